# SPDX-License-Identifier: Apache-2.0
"""Hostile bodies and queries: a clear 4xx that names the field, and nothing changed."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from typing import Any

from tests.functional.base import CloudTest
from tests.functional.client import Answer, Client

#: A wrong value for each kind of right one; every row must be refused.
LONG = "x" * 70_000
TEXT: tuple[Any, ...] = (7, ["x"], {"a": 1}, LONG)
NUMBER: tuple[Any, ...] = ("many", -1, 1 << 70, 1.5, [1], {})
BOOLEAN: tuple[Any, ...] = ("perhaps", 7, [True], {})
THING: tuple[Any, ...] = ("text", 7, ["x"])
LIST: tuple[Any, ...] = (7, {"a": 1}, [7])
ID: tuple[Any, ...] = (7, ["x"], {"a": 1}, "not/an id", LONG)

#: path, a body that would be accepted but for one field, field -> its wrong values
CASES: tuple[tuple[str, dict[str, Any], dict[str, tuple[Any, ...]]], ...] = (
    (
        "/compute/v2.1/servers",
        {"server": {"name": "s", "flavorRef": "42", "imageRef": "IMAGE", "networks": "none"}},
        {
            "name": (*TEXT, "", "  "),
            "flavorRef": (["x"], {}, ""),
            "imageRef": (7, "no-uuid", ["x"]),
            "networks": (7, "some", {}, [{"uuid": 7}], [{"port": "x"}], [{"fixed_ip": "1.2.3"}]),
            "metadata": (*THING, {"k": 7}, {"k": "v" * 256}, {"k" * 256: "v"}, {"": "v"}),
            "min_count": (*NUMBER, 0),
            "max_count": (*NUMBER, 0),
            "user_data": (7, "not base64!", "A" * 70_000),
            "key_name": (7, ["x"], "k" * 256),
            "availability_zone": (7, ["x"], "z" * 256),
            "security_groups": (7, "default", [7], [{"name": 7}]),
            "tags": (7, "t", [7], ["a/b"], ["a,b"], ["t" * 61], ["t"] * 2, [f"t{n}" for n in range(51)]),
            "description": (7, "d" * 256),
            "config_drive": ("perhaps", 7, []),
            "hostname": (7, "", "-bad-", "a b"),
            "OS-DCF:diskConfig": (7, "SOMETIMES"),
            "accessIPv4": ("1.2.3", "::1", 7),
            "accessIPv6": ("1.2.3.4", "x", 7),
            "personality": ([{"path": "/x", "contents": "eA=="}],),
            "block_device_mapping_v2": (7, [7], [{"source_type": "moon", "destination_type": "local"}]),
            "unheard_of": ("x",),
        },
    ),
    (
        "/compute/v2.1/flavors",
        {"flavor": {"name": "NAME", "ram": 64, "vcpus": 1, "disk": 1}},
        {
            "name": (*TEXT, ""),
            "ram": (*NUMBER, 0),
            "vcpus": (*NUMBER, 0),
            "disk": NUMBER,
            "id": (["x"], "a/b", "i" * 256),
            "swap": NUMBER,
            "rxtx_factor": ("fast", -1, 0, [1]),
            "os-flavor-access:is_public": BOOLEAN,
        },
    ),
    (
        "/compute/v2.1/os-keypairs",
        {"keypair": {"name": "NAME", "public_key": "KEY"}},
        {"name": (*TEXT, "", "a/b"), "public_key": (7, ["x"]), "type": ("gpg", 7), "user_id": (7, [])},
    ),
    (
        "/compute/v2.1/os-server-groups",
        {"server_group": {"name": "g", "policy": "affinity"}},
        {
            "name": (*TEXT, ""),
            "policy": ("near", 7, ["affinity"]),
            "rules": ("x", {"max_server_per_host": 0}, {"a": 1}),
        },
    ),
    (
        "/compute/v2.1/os-aggregates",
        {"aggregate": {"name": "NAME"}},
        {"name": (*TEXT, ""), "availability_zone": (7, ["x"], "a:b", "z" * 256)},
    ),
    (
        "/network/v2.0/networks",
        {"network": {"name": "n"}},
        {
            "name": TEXT,
            "admin_state_up": BOOLEAN,
            "shared": BOOLEAN,
            "mtu": ("big", -1, [1]),
            "description": TEXT,
            "unheard_of": ("x",),
        },
    ),
    (
        "/network/v2.0/subnets",
        {"subnet": {"network_id": "NETWORK", "cidr": "10.66.0.0/24", "ip_version": 4}},
        {
            "network_id": ID,
            "cidr": ("10.0.0.0/99", 7, ["x"], "x"),
            "ip_version": (5, "x", [4]),
            "gateway_ip": ("x", 7, ["x"]),
            "enable_dhcp": BOOLEAN,
            "dns_nameservers": (7, "x", [7], ["1.2.3"]),
            "allocation_pools": (7, [7], [{"start": "x", "end": "y"}]),
            "host_routes": (7, [7], [{"destination": "x", "nexthop": "y"}]),
        },
    ),
    (
        "/network/v2.0/ports",
        {"port": {"network_id": "NETWORK"}},
        {
            "network_id": ID,
            "name": TEXT,
            "mac_address": ("x", 7, ["x"]),
            "fixed_ips": (7, "x", [7], [{"ip_address": "x"}]),
            "admin_state_up": BOOLEAN,
            "security_groups": (7, "x", [7]),
            "allowed_address_pairs": (7, "x", [7], [{"ip_address": "x"}]),
        },
    ),
    (
        "/network/v2.0/routers",
        {"router": {"name": "r"}},
        {"name": TEXT, "admin_state_up": BOOLEAN, "external_gateway_info": ("x", 7, ["x"])},
    ),
    ("/network/v2.0/security-groups", {"security_group": {"name": "s"}}, {"name": TEXT, "description": TEXT}),
    (
        "/network/v2.0/security-group-rules",
        {"security_group_rule": {"security_group_id": "GROUP", "direction": "ingress", "protocol": "tcp"}},
        {
            "security_group_id": ID,
            "direction": ("up", 7, ["x"]),
            "ethertype": ("IPv5", 7),
            "port_range_min": ("x", -2, 70_000),
            "remote_ip_prefix": ("x", 7, "1.2.3.4/99"),
        },
    ),
    (
        "/image/v2/images",
        {"name": "i", "disk_format": "raw", "container_format": "bare"},
        {
            "name": (7, ["x"], LONG),
            "disk_format": ("floppy", 7),
            "container_format": ("jar", 7),
            "min_disk": ("x", -1, 1 << 70, []),
            "min_ram": ("x", -1, 1 << 70, []),
            "visibility": ("secret", 7),
            "protected": ("perhaps", 7),
            "tags": (7, "x", [7], ["t" * 256]),
            "id": ("no-uuid", 7),
        },
    ),
    (
        "/identity/v3/projects",
        {"project": {"name": "NAME", "domain_id": "default"}},
        {"name": (*TEXT, ""), "enabled": BOOLEAN, "description": (7, ["x"]), "domain_id": (7, ["x"])},
    ),
    (
        "/identity/v3/users",
        {"user": {"name": "NAME", "domain_id": "default"}},
        {"name": (*TEXT, ""), "enabled": BOOLEAN, "password": (7, ["x"]), "default_project_id": (7, ["x"])},
    ),
    ("/identity/v3/roles", {"role": {"name": "NAME"}}, {"name": (*TEXT, "")}),
)

#: Bodies that are no request at all.
GARBAGE = (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"server": NaN}', b"[" * 100_000, b'{"a":' * 50_000)

#: Query strings that make no sense.
QUERIES = (
    "/compute/v2.1/servers?limit=-1",
    "/compute/v2.1/servers?limit=x",
    "/compute/v2.1/servers?marker=nobody",
    "/compute/v2.1/servers?sort_key=secret",
    "/compute/v2.1/servers?sort_key=display_name&sort_dir=up",
    "/compute/v2.1/servers?changes-since=yesterday",
    "/compute/v2.1/servers?name=%00",
    "/compute/v2.1/servers?name=%ff",
    "/compute/v2.1/flavors?minRam=x",
    "/compute/v2.1/flavors?marker=nobody",
    "/network/v2.0/networks?limit=x",
    "/network/v2.0/ports?marker=nobody&limit=1",
    "/image/v2/images?limit=-1",
    "/image/v2/images?sort_key=secret",
    "/image/v2/images?marker=nobody",
)

#: Text that is odd and right; it must come back as it went in.
ODD = ("🦊🧊", "ẞß", "'; DROP TABLE instances; --", "%s%d{0}", "\\", "<b>&amp;", "名前")


def _names(message: str, field: str) -> bool:
    """Whether a message names a field; texts that clients know say "Network x could not be found", "port -2"."""
    return field.rsplit(":", 1)[-1] in message or field.split("_")[0] in message.lower()


class Malformed(CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.net = self.network(self.user)
        (group,) = self.user.get("/network/v2.0/security-groups")["security_groups"]
        self.words = {
            "IMAGE": self.user.image(),
            "NETWORK": self.net,
            "GROUP": group["id"],
            "KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5k0K9N9m1k0g0m8sV1K2o0Zc5hM6J8r0b6xq3Ww1aB x",
        }

    def test_a_wrong_value_is_refused_by_name(self) -> None:
        before = self._everything()
        wrong = [complaint for row in self._bodies() for complaint in self._complaints(*row)]
        self.assertEqual([], wrong, "\n".join(wrong))
        self.assertEqual(before, self._everything())

    def _bodies(self) -> Iterator[tuple[Client, str, str, Any, dict[str, Any]]]:
        """(who, path, field, its wrong value, body)"""
        for path, template, fields in CASES:
            for field, values in fields.items():
                for value in values:
                    body = copy.deepcopy(template)
                    (inner,) = body.values() if len(body) == 1 else (body,)
                    self._fill(inner)
                    inner[field] = value
                    admin = path.startswith("/identity") or path.endswith(("flavors", "aggregates"))
                    yield self.admin if admin else self.user, path, field, value, body

    def _fill(self, inner: dict[str, Any]) -> None:
        for key, value in inner.items():
            if value == "NAME":
                inner[key] = uuid.uuid4().hex
            elif isinstance(value, str):
                inner[key] = self.words.get(value, value)

    def _complaints(self, who: Client, path: str, field: str, value: Any, body: dict[str, Any]) -> Iterator[str]:
        answer = who.send("POST", path, body)
        what = f"{path} {field}={json.dumps(value)[:50]}: {answer.status} {str(answer.body)[:200]}"
        if not 400 <= answer.status < 500:
            yield what
        elif not _names(answer.message, field):
            yield f"not named: {what}"
        elif len(answer.message) > 2000:
            yield f"long: {what}"

    def _everything(self) -> str:
        """What there is, to see that nothing changed."""
        paths = ("/compute/v2.1/flavors", "/compute/v2.1/os-aggregates", "/identity/v3/projects", "/identity/v3/users")
        own = (
            "/compute/v2.1/servers",
            "/compute/v2.1/os-keypairs",
            "/compute/v2.1/os-server-groups",
            "/image/v2/images",
        )
        nets = ("networks", "subnets", "ports", "routers", "security-groups", "security-group-rules")
        found = [self.admin.get(path) for path in (*paths, "/identity/v3/roles")]
        found += [self.user.get(path) for path in (*own, *(f"/network/v2.0/{one}" for one in nets))]
        return json.dumps([*found, self.cloud.allocations()], sort_keys=True)

    def test_garbage(self) -> None:
        before = self._everything()
        wrong = []
        for path, _, _ in CASES:
            for raw in GARBAGE:
                answer = self.admin.send("POST", path, raw)
                if answer.status not in (400, 411, 413, 415) or not answer.message:
                    wrong.append(f"{path} {raw[:20]!r}: {answer.status} {str(answer.body)[:200]}")
        self.assertEqual([], wrong, "\n".join(wrong))
        self.assertEqual(before, self._everything())

    def test_queries(self) -> None:
        answers = {query: self.user.send("GET", query) for query in QUERIES}
        wrong = [f"{query}: {one.status} {one.body}" for query, one in answers.items() if not self._refused(one)]
        self.assertEqual([], wrong, "\n".join(wrong))

    def _refused(self, answer: Answer) -> bool:
        return 400 <= answer.status < 500 and bool(answer.message)

    def test_odd_paths(self) -> None:
        odd = ("%00", "%ff", "%2e%2e%2f", "x" * 3000, "a%2fb", "🦊", "'", "%25s")
        collections = (
            "/compute/v2.1/servers",
            "/compute/v2.1/flavors",
            "/compute/v2.1/os-keypairs",
            "/compute/v2.1/os-server-groups",
            "/image/v2/images",
            "/network/v2.0/networks",
            "/network/v2.0/ports",
            "/identity/v3/users",
            "/identity/v3/projects",
        )
        for collection in collections:
            for one in odd:
                for method in ("GET", "DELETE"):
                    answer = self.admin.send(method, f"{collection}/{one}")
                    self.assertIn(
                        answer.status, (400, 404, 405, 414), f"{method} {collection}/{one[:20]}: {answer.body}"
                    )

    def test_odd_text_comes_back(self) -> None:
        for text in ODD:
            server_id = self.user.boot(text, metadata={"key": text}, description=text)
            server = self.user.server(server_id)
            self.assertEqual((text, {"key": text}, text), (server["name"], server["metadata"], server["description"]))
            network = {"network": {"name": text, "description": text}}
            made = self.user.send("POST", "/network/v2.0/networks", network, expect=201).body["network"]
            self.assertEqual((text, text), (made["name"], made["description"]))
            picture = {"name": text, "disk_format": "raw", "container_format": "bare", "tags": [text], "own": text}
            image = self.user.send("POST", "/image/v2/images", picture, expect=201).body
            self.assertEqual((text, [text], text), (image["name"], image["tags"], image["own"]))
            role = self.admin.send("POST", "/identity/v3/roles", {"role": {"name": text}}, expect=201).body["role"]
            self.addCleanup(self.admin.send, "DELETE", f"/identity/v3/roles/{role['id']}")
            self.assertEqual(text, role["name"])
        self.user.until_all({"ACTIVE"})
        self.assertEqual(set(ODD), {one["name"] for one in self.user.servers()})
