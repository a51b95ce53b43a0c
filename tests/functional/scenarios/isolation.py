# SPDX-License-Identifier: Apache-2.0
"""Nobody sees what is another project's, and nobody without a token sees anything."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

from minicloud.api import routes as compute
from minicloud.builtin.identity.api import routes as identity
from minicloud.builtin.image.api import routes as image
from minicloud.builtin.network.api import routes as network
from tests.functional.base import CloudTest
from tests.functional.client import Client

#: What answers without a token: documents of versions, and what takes other credentials.
PUBLIC = {
    "/compute": {"GET /", "GET /v2", "GET /v2.1"},
    "/identity": {"GET /", "GET /v3", "POST /v3/auth/tokens", "POST /v3/ec2tokens", "POST /v3/s3tokens"},
    "/image": {"GET /", "GET /versions"},
    "/network": {"GET /", "GET /v2.0"},
}


class Isolation(CloudTest):
    def test_nothing_without_a_token(self) -> None:
        for prefix, method, path in _all_operations():
            if f"{method} {path}" in PUBLIC[prefix]:
                continue
            concrete = re.sub(r"{\w+}", uuid.uuid4().hex, path)
            for client in (Client(self.cloud.url), Client(self.cloud.url, "gAAAAAB-wrong")):
                answer = client.send(method, prefix + concrete, {} if method in ("POST", "PUT", "PATCH") else None)
                self.assertEqual(401, answer.status, f"{method} {prefix}{path}: {answer.body}")
                self.assertIn("WWW-Authenticate", answer.headers, f"{method} {prefix}{path}")

    def test_nothing_of_another_project(self) -> None:
        other = self.new_project()
        for collection, path, changes in self._things():
            key = path.rsplit("/", 1)[1]
            listed = other.get(f"{collection}")
            self.assertNotIn(key, str(listed), collection)
            self.assertEqual(404, other.send("GET", path).status, path)
            for method, suffix, body in (("DELETE", "", None), *changes):
                answer = other.send(method, path + suffix, body)
                self.assertEqual(404, answer.status, f"{method} {path}{suffix}: {answer.body}")
            self.assertEqual(200, self.user.send("GET", path).status, path)

    def _things(self) -> Iterator[tuple[str, str, list[tuple[str, str, object]]]]:
        """(collection, thing, further requests that would change it) of the first project."""
        server = self.user.boot()
        self.user.until(server, "ACTIVE")
        changes: list[tuple[str, str, object]] = [
            ("PUT", "", {"server": {"name": "mine"}}),
            ("POST", "/action", {"os-stop": None}),
            ("POST", "/action", {"reboot": {"type": "HARD"}}),
        ]
        yield "/compute/v2.1/servers", f"/compute/v2.1/servers/{server}", changes
        yield "/compute/v2.1/servers/detail", f"/compute/v2.1/servers/{server}", changes
        group = {"server_group": {"name": "g", "policy": "affinity"}}
        yield self._made("/compute/v2.1/os-server-groups", group, [], expect=200)
        name = f"k-{uuid.uuid4().hex}"
        self.user.send("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": name, "public_key": _KEY}}, expect=201)
        yield "/compute/v2.1/os-keypairs", f"/compute/v2.1/os-keypairs/{name}", []
        picture = {"name": "mine", "disk_format": "raw", "container_format": "bare"}
        made = self._made("/image/v2/images", picture, [("PUT", "/tags/mine", None), ("GET", "/file", None)])
        yield made
        net = self._made(
            "/network/v2.0/networks", {"network": {"name": "n"}}, [("PUT", "", {"network": {"name": "m"}})]
        )
        yield net
        network_id = net[1].rsplit("/", 1)[1]
        subnet = {"subnet": {"network_id": network_id, "cidr": "10.7.0.0/24", "ip_version": 4}}
        yield self._made("/network/v2.0/subnets", subnet, [("PUT", "", {"subnet": {"name": "m"}})])
        yield self._made(
            "/network/v2.0/ports", {"port": {"network_id": network_id}}, [("PUT", "", {"port": {"name": "m"}})]
        )
        yield self._made("/network/v2.0/routers", {"router": {"name": "r"}}, [("PUT", "", {"router": {"name": "m"}})])
        yield self._made("/network/v2.0/security-groups", {"security_group": {"name": "s"}}, [])

    def _made(
        self, collection: str, body: dict[str, object], changes: list[tuple[str, str, object]], expect: int = 201
    ) -> tuple[str, str, list[tuple[str, str, object]]]:
        found = self.user.send("POST", collection, body, expect=expect).body
        return collection, f"{collection}/{found['id'] if 'id' in found else next(iter(found.values()))['id']}", changes

    def test_nobody_boots_with_what_is_another_projects(self) -> None:
        other = self.new_project()
        network = self.network(self.user)
        port = self.user.send("POST", "/network/v2.0/ports", {"port": {"network_id": network}}, expect=201).body["port"]
        picture = {"name": "mine", "disk_format": "raw", "container_format": "bare"}
        image = self.user.send("POST", "/image/v2/images", picture, expect=201).body["id"]
        group = {"server_group": {"name": "g", "policy": "affinity"}}
        found = self.user.send("POST", "/compute/v2.1/os-server-groups", group, expect=200).body["server_group"]["id"]
        wrong: tuple[dict[str, object], ...] = (
            {"networks": [{"uuid": network}]},
            {"networks": [{"port": port["id"]}]},
            {"imageRef": image},
            {"hints": {"group": found}},
        )
        for more in wrong:
            answer = other.send("POST", "/compute/v2.1/servers", other.boot_body("s", "42", more))
            self.assertIn(answer.status, (400, 404), f"{more}: {answer.body}")
        self.assertEqual([], other.servers())

    def test_members_are_no_administrators(self) -> None:
        server = self.user.boot(metadata={"fake:hang": "stop"})
        refused = (
            ("GET", "/compute/v2.1/servers?all_tenants=1", None),
            ("GET", "/compute/v2.1/os-hypervisors", None),
            ("GET", "/compute/v2.1/os-services", None),
            ("GET", "/compute/v2.1/os-aggregates", None),
            ("POST", "/compute/v2.1/flavors", {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 1}}),
            ("PUT", f"/compute/v2.1/os-quota-sets/{self.user.project_id}", {"quota_set": {"cores": 1}}),
            ("GET", "/identity/v3/users", None),
            ("POST", "/identity/v3/projects", {"project": {"name": "p"}}),
        )
        for method, path, body in refused:
            answer = self.user.send(method, path, body)
            self.assertEqual(403, answer.status, f"{method} {path}: {answer.body}")
        forced = self.user.boot_body("s", "42", {"availability_zone": "nova:host-1"})
        self.assertEqual(403, self.user.send("POST", "/compute/v2.1/servers", forced).status)
        self.assertNotIn("OS-EXT-SRV-ATTR:host", self.user.server(server))


_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5k0K9N9m1k0g0m8sV1K2o0Zc5hM6J8r0b6xq3Ww1aB nobody@nowhere"


def _all_operations() -> Iterator[tuple[str, str, str]]:
    """(prefix, method, path) of every operation of every front end."""
    tables = (
        ("/compute", compute.operations()),
        ("/identity", identity.OPERATIONS),
        ("/image", image.OPERATIONS),
        ("/network", network.OPERATIONS),
    )
    for prefix, operations in tables:
        for method, path in sorted({(one.method, one.path) for one in operations}):
            yield prefix, method, path
