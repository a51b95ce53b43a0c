# SPDX-License-Identifier: Apache-2.0
"""POST /servers: what is accepted, what is refused, and that what is refused changes nothing."""

from __future__ import annotations

import base64
import threading
from typing import Any

import sqlalchemy as sa
from testtools.matchers import Contains

from minicloud.db.api import build_requests, keypairs, mappings, models, quotas, server_groups
from minicloud.objects import Keypair, ServerGroup
from minicloud.web.moments import now
from tests.unit.api.servers.base import BIG_IMAGE, IMAGE, NETWORK, PROJECT, QUEUED_IMAGE, ServersTest

GROUP = "616fb98f-46ca-475e-917e-2563e5a8cd19"
UNKNOWN = "11111111-2222-3333-4444-555555555555"
BOOT_DEVICE = {
    "uuid": IMAGE,
    "boot_index": 0,
    "source_type": "image",
    "destination_type": "local",
    "delete_on_termination": True,
}

#: (microversion, changes to a good server, a word of the message): all of them 400.
MALFORMED: tuple[tuple[int, dict[str, Any], str], ...] = (
    (1, {"name": None}, "name"),
    (1, {"name": ""}, "name"),
    (1, {"name": " "}, "name"),
    (1, {"name": " one"}, "name"),
    (1, {"name": "one "}, "name"),
    (1, {"name": "x" * 256}, "name"),
    (1, {"name": 12}, "name"),
    (1, {"name": "a\u0007b"}, "name"),
    (1, {"flavorRef": None}, "flavorRef"),
    (1, {"flavorRef": -1}, "flavorRef"),
    (1, {"flavorRef": ""}, "flavorRef"),
    (1, {"flavorRef": "nope"}, "Flavor nope"),
    (1, {"flavorRef": "secret"}, "Flavor secret"),
    (1, {"imageRef": "not-a-uuid"}, "imageRef"),
    (1, {"imageRef": 7}, "imageRef"),
    (1, {"imageRef": ""}, "imageRef"),
    (1, {"imageRef": UNKNOWN}, UNKNOWN),
    (1, {"imageRef": QUEUED_IMAGE}, "not active"),
    (1, {"imageRef": BIG_IMAGE}, "too small"),
    (1, {"adminPass": 1}, "adminPass"),
    (1, {"metadata": "x"}, "metadata"),
    (1, {"metadata": {"a": 1}}, "metadata.a"),
    (1, {"metadata": {"a": "x" * 256}}, "metadata.a"),
    (1, {"metadata": {"": "x"}}, "metadata"),
    (1, {"metadata": {"a/b": "x"}}, "metadata"),
    (1, {"metadata": {"k" * 256: "x"}}, "metadata"),
    (1, {"networks": "auto"}, "networks"),
    (1, {"networks": [{}]}, "networks.0"),
    (1, {"networks": [{"uuid": "x"}]}, "networks"),
    (1, {"networks": [{"uuid": NETWORK, "fixed_ip": "300.1.1.1"}]}, "networks"),
    (1, {"networks": [{"uuid": NETWORK, "tag": "x"}]}, "networks"),
    (1, {"networks": [{"uuid": NETWORK, "more": "x"}]}, "networks"),
    (1, {"networks": [{"uuid": UNKNOWN}]}, UNKNOWN),
    (1, {"networks": [{"port": UNKNOWN, "fixed_ip": "10.0.0.1"}]}, "Fixed IP"),
    (1, {"networks": [{"port": UNKNOWN}, {"port": UNKNOWN}]}, "twice"),
    (1, {"networks": [{"port": UNKNOWN}], "max_count": 2}, "single configured port"),
    (1, {"networks": [{"uuid": NETWORK, "fixed_ip": "10.0.0.1"}], "max_count": 2}, "fixed_ip"),
    (36, {"networks": "none"}, "networks"),
    (37, {"networks": None}, "networks"),
    (37, {"networks": "some"}, "networks"),
    (37, {"networks": [{"uuid": NETWORK, "tag": "x"}]}, "networks"),
    (42, {"networks": [{"uuid": NETWORK, "tag": "a,b"}]}, "networks"),
    (1, {"security_groups": [{"name": "nope"}]}, "nope"),
    (1, {"security_groups": ["web"]}, "security_groups.0"),
    (1, {"security_groups": [{"name": ""}]}, "security_groups"),
    (1, {"accessIPv4": "::1"}, "accessIPv4"),
    (1, {"accessIPv6": "1.2.3.4"}, "accessIPv6"),
    (1, {"personality": [{"path": "/x"}]}, "contents"),
    (1, {"personality": [{"path": "/x", "contents": "?"}]}, "personality"),
    (57, {"personality": []}, "personality"),
    (1, {"user_data": "not base64!"}, "user_data"),
    (1, {"user_data": "QUJD" * 16400}, "user_data"),
    (1, {"config_drive": "maybe"}, "config_drive"),
    (1, {"key_name": "nope"}, "key_name"),
    (1, {"key_name": 5}, "key_name"),
    (1, {"availability_zone": "nowhere"}, "availability zone"),
    (1, {"availability_zone": "a:b:c:d"}, "availability_zone"),
    (1, {"availability_zone": ["nova"]}, "availability_zone"),
    (1, {"OS-DCF:diskConfig": "auto"}, "diskConfig"),
    (1, {"min_count": 0}, "min_count"),
    (1, {"min_count": "x"}, "min_count"),
    (1, {"min_count": 3, "max_count": 2}, "min_count"),
    (1, {"max_count": -1}, "max_count"),
    (1, {"max_count": 100000}, "max_count"),
    (1, {"return_reservation_id": "maybe"}, "return_reservation_id"),
    (1, {"block_device_mapping": [{"volume_id": UNKNOWN}]}, "volume service"),
    (1, {"block_device_mapping_v2": [{"source_type": "volume", "uuid": UNKNOWN, "boot_index": 0}]}, "volume service"),
    (1, {"block_device_mapping_v2": [{**BOOT_DEVICE, "destination_type": "volume"}]}, "volume service"),
    (1, {"block_device_mapping_v2": [{**BOOT_DEVICE, "uuid": UNKNOWN}]}, "block_device_mapping_v2.0"),
    (1, {"block_device_mapping_v2": [{**BOOT_DEVICE, "boot_index": 1}]}, "boot_index"),
    (1, {"block_device_mapping_v2": [BOOT_DEVICE, BOOT_DEVICE]}, "boot_index"),
    (1, {"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "local"}]}, "local disk"),
    (1, {"block_device_mapping_v2": [{**BOOT_DEVICE, "volume_type": "x"}]}, "volume_type"),
    (1, {"block_device_mapping_v2": [{**BOOT_DEVICE, "source_type": "tape"}]}, "source_type"),
    (18, {"description": "x"}, "description"),
    (19, {"description": "x" * 256}, "description"),
    (51, {"tags": ["x"]}, "tags"),
    (52, {"tags": ["x" * 61]}, "tags"),
    (52, {"tags": ["a,b"]}, "tags"),
    (52, {"tags": ["a/b"]}, "tags"),
    (52, {"tags": ["a", "a"]}, "tags"),
    (52, {"tags": [str(n) for n in range(51)]}, "tags"),
    (62, {"trusted_image_certificates": ["x"]}, "trusted_image_certificates"),
    (63, {"trusted_image_certificates": []}, "trusted_image_certificates"),
    (73, {"host": "host1"}, "host"),
    (89, {"hostname": "x"}, "hostname"),
    (90, {"hostname": "a.b"}, "hostname"),
    (90, {"hostname": "-a"}, "hostname"),
    (94, {"hostname": "a..b"}, "hostname"),
    (1, {"unknown": 1}, "unknown"),
)


class Create(ServersTest):
    def server(self, version: int = 1, **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"name": "one", "imageRef": IMAGE, "flavorRef": "1"}
        if version >= 37:
            body["networks"] = "auto"
        body.update(changes)
        return {key: value for key, value in body.items() if value is not None}

    def rows(self) -> list[int]:
        tables = (models.build_requests, models.request_specs, models.instance_mappings, models.server_group_members)
        with self.api_db.reader() as conn:
            return [conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]

    def test_malformed_bodies_name_the_field_and_change_nothing(self) -> None:
        self.assertGreater(len(MALFORMED), 60)
        for version, changes, word in MALFORMED:
            body = {"server": self.server(version, **changes)}
            response = self.request("POST", "/servers", body, version=version)
            self.assertEqual(400, response.status_int, f"{version} {changes} {response.text}")
            self.expectThat(response.json["badRequest"]["message"], Contains(word), str((version, changes)))
        for raw in (b"", b"{", b"[]", b"null", b'{"server": 1}', b'{"servers": {}}', b"\xff", b"[" * 5000):
            self.assertEqual(400, self.request("POST", "/servers", raw).status_int, str(raw[:20]))
        self.assertEqual([0, 0, 0, 0], self.rows())
        self.assertEqual([], self.scheduler.messages)

    def test_the_answer(self) -> None:
        response = self.request("POST", "/servers", {"server": self.server()})
        self.assertEqual(202, response.status_int)
        server = response.json["server"]
        self.assertEqual({"id", "links", "adminPass", "security_groups", "OS-DCF:diskConfig"}, server.keys())
        href = f"http://cloud/compute/v2.1/servers/{server['id']}"
        self.assertEqual(href, response.headers["Location"])
        self.assertEqual(
            [
                {"rel": "self", "href": href},
                {"rel": "bookmark", "href": f"http://cloud/compute/servers/{server['id']}"},
            ],
            server["links"],
        )
        self.assertEqual([{"name": "default"}], server["security_groups"])
        self.assertEqual(12, len(server["adminPass"]))

    def test_numbers_beyond_all_bounds(self) -> None:
        for field in ("flavorRef", "min_count", "max_count"):
            self.refused(400, "POST", "/servers", {"server": self.server(**{field: 10**30})})
        self.assertEqual([0, 0, 0, 0], self.rows())
        body = {"server": self.server(), "os:scheduler_hints": {"x": {"y": 10**30}}}
        server_id = self.ok("POST", "/servers", body, code=202)["server"]["id"]
        server = self.ok("GET", f"/servers/{server_id}", version=100)["server"]
        self.assertEqual({"x": {"y": 10**30}}, server["scheduler_hints"])

    def test_no_password_when_there_is_none(self) -> None:
        self.conf.set_override("enable_instance_password", False, "api")
        self.assertNotIn("adminPass", self.ok("POST", "/servers", {"server": self.server()}, code=202)["server"])

    def test_what_is_recorded_and_sent(self) -> None:
        text = base64.b64encode(b"#!/bin/sh").decode()
        with self.api_db.writer() as conn:
            group = ServerGroup(uuid=GROUP, name="g", project_id=PROJECT, user_id="u1", policy="affinity")
            server_groups.create(conn, group, now())
        body = {
            "server": self.server(
                94,
                name="Web Server_1",
                description="d",
                metadata={"a": "b"},
                key_name="key",
                networks=[{"uuid": NETWORK, "tag": "nic"}],
                security_groups=[{"name": "web"}, {"name": "web"}],
                availability_zone="us-west",
                user_data=text,
                config_drive=True,
                tags=["y", "x"],
                trusted_image_certificates=["c"],
                block_device_mapping_v2=[BOOT_DEVICE],
                accessIPv4="1.2.3.4",
                adminPass="secret",
                **{"OS-DCF:diskConfig": "MANUAL"},
            ),
            "os:scheduler_hints": {"group": GROUP, "custom": "1"},
        }
        answer = self.ok("POST", "/servers", body, code=202, version=94)["server"]
        self.assertEqual("secret", answer["adminPass"])
        self.assertEqual([{"name": "web"}], answer["security_groups"])
        ((method, _, requests, password),) = self.scheduler.messages
        self.assertEqual(("build_instances", "secret"), (method, password))
        instance, spec = requests[0].instance, requests[0].spec
        with self.api_db.reader() as conn:
            self.assertEqual(requests[0], build_requests.get(conn, answer["id"]))
            self.assertEqual(spec, build_requests.spec(conn, answer["id"]))
            self.assertEqual({answer["id"]: GROUP}, server_groups.of_instances(conn, [answer["id"]]))
            self.assertEqual(mappings.Usage(1, 1, 512), mappings.usage(conn, PROJECT))
        self.assertEqual(
            ("web-server-1", "d", "ssh-rsa x"), (instance.hostname, instance.description, instance.key_data)
        )
        self.assertEqual(
            (("x", "y"), ("c",), ("web",)), (instance.tags, instance.trusted_certs, instance.security_groups)
        )
        self.assertEqual(("id-of-web",), spec.security_groups)
        self.assertEqual(
            (GROUP, "us-west", NETWORK),
            (spec.server_group, spec.availability_zone, spec.requested_networks[0].network_id),
        )
        self.assertEqual((True, False, text), (instance.config_drive, instance.auto_disk_config, instance.user_data))
        self.assertEqual({"group": GROUP, "custom": "1"}, instance.scheduler_hints)

    def test_several_at_once(self) -> None:
        body = {"server": self.server(min_count="2", max_count=3, name="n", return_reservation_id=True)}
        answer = self.ok("POST", "/servers", body, code=202)
        self.assertEqual({"reservation_id"}, answer.keys())
        ((_, _, requests, _),) = self.scheduler.messages
        self.assertEqual(["n-1", "n-2", "n-3"], [one.instance.display_name for one in requests])
        self.assertEqual([0, 1, 2], [one.instance.launch_index for one in requests])
        self.assertEqual({answer["reservation_id"]}, {one.instance.reservation_id for one in requests})
        self.assertEqual([3, 3, 3, 0], self.rows())

    def test_the_quota_is_told_in_novas_words(self) -> None:
        self.ok("POST", "/servers", {"server": self.server(max_count=10)}, code=202)
        message = self.refused(403, "POST", "/servers", {"server": self.server()})
        self.assertEqual("Quota exceeded for instances: Requested 1, but already used 10 of 10 instances", message)
        message = self.refused(403, "POST", "/servers", {"server": self.server(flavorRef="9")})
        self.assertEqual(
            "Quota exceeded for instances, cores, ram: Requested 1, 30, 99999, but already used 10, 10, 5120 "
            "of 10, 20, 51200 instances, cores, ram",
            message,
        )
        self.assertEqual([10, 10, 10, 0], self.rows())

    def test_limits_of_the_project_and_of_the_user(self) -> None:
        with self.api_db.writer() as conn:
            quotas.set_limits(conn, PROJECT, {"instances": 2})
            quotas.set_limits(conn, PROJECT, {"instances": 1}, "u2")
        self.ok("POST", "/servers", {"server": self.server()}, code=202, token="second")
        self.refused(403, "POST", "/servers", {"server": self.server()}, token="second")
        self.ok("POST", "/servers", {"server": self.server()}, code=202)
        self.refused(403, "POST", "/servers", {"server": self.server()})
        self.ok("POST", "/servers", {"server": self.server()}, code=202, token="other")
        with self.api_db.writer() as conn:
            quotas.set_limits(conn, PROJECT, {"instances": -1, "cores": -1, "ram": -1})
        self.ok("POST", "/servers", {"server": self.server(max_count=30)}, code=202)

    def test_nobody_gets_past_the_quota_by_being_quick(self) -> None:
        codes: list[int] = []

        def post() -> None:
            codes.append(self.request("POST", "/servers", {"server": self.server()}).status_int)

        threads = [threading.Thread(target=post) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([202] * 10 + [403] * 6, sorted(codes))

    def test_other_quotas(self) -> None:
        many = {str(number): "x" for number in range(129)}
        self.refused(403, "POST", "/servers", {"server": self.server(metadata=many)})
        files = [{"path": f"/{number}", "contents": "eA=="} for number in range(6)]
        self.refused(403, "POST", "/servers", {"server": self.server(personality=files)})
        large = [{"path": "/x", "contents": base64.b64encode(b"x" * 10241).decode()}]
        self.refused(403, "POST", "/servers", {"server": self.server(personality=large)})
        with self.api_db.writer() as conn:
            group = ServerGroup(uuid=GROUP, name="g", project_id=PROJECT, user_id="u1", policy="affinity")
            server_groups.create(conn, group, now())
            quotas.set_limits(conn, PROJECT, {"server_group_members": 1})
        hints = {"os:scheduler_hints": {"group": GROUP}}
        self.refused(403, "POST", "/servers", {"server": self.server(max_count=2), **hints})
        self.assertEqual([0, 0, 0, 0], self.rows())
        self.ok("POST", "/servers", {"server": self.server(), **hints}, code=202)

    def test_groups_of_others_do_not_exist(self) -> None:
        body = {"server": self.server(), "os:scheduler_hints": {"group": GROUP}}
        self.assertIn(GROUP, self.refused(400, "POST", "/servers", body))
        with self.api_db.writer() as conn:
            group = ServerGroup(uuid=GROUP, name="g", project_id="theirs", user_id="u1", policy="affinity")
            server_groups.create(conn, group, now())
        self.assertIn(GROUP, self.refused(400, "POST", "/servers", body))

    def test_what_needs_a_policy(self) -> None:
        self.refused(403, "POST", "/servers", {"server": self.server()}, token="reader")
        self.refused(403, "POST", "/servers", {"server": self.server(flavorRef="0")})
        self.refused(403, "POST", "/servers", {"server": self.server(availability_zone="nova:host1")})
        self.refused(403, "POST", "/servers", {"server": self.server(74, host="host1")}, version=74)
        self.ok("POST", "/servers", {"server": self.server(availability_zone="nova:host1:n")}, code=202, token="admin")
        ((_, _, requests, _),) = self.scheduler.messages
        self.assertEqual((("host1",), ("n",)), (requests[0].spec.force_hosts, requests[0].spec.force_nodes))
        message = self.refused(
            400, "POST", "/servers", {"server": self.server(74, host="h")}, version=74, token="admin"
        )
        self.assertIn("Compute host h", message)
        self.assertEqual(401, self.request("POST", "/servers", {"server": {}}, token="nobody").status_int)

    def test_a_server_belongs_to_a_project(self) -> None:
        message = self.refused(400, "POST", "/servers", {"server": self.server()}, token="system")
        self.assertIn("project", message)
        self.assertEqual([], self.scheduler.messages)

    def test_a_key_pair_is_a_users(self) -> None:
        with self.api_db.writer() as conn:
            keypairs.create(conn, Keypair(user_id="u2", name="two", fingerprint="f", public_key="k"), now())
        self.refused(400, "POST", "/servers", {"server": self.server(key_name="two")})
        self.ok("POST", "/servers", {"server": self.server(key_name="two")}, code=202, token="second")

    def test_few_statements(self) -> None:
        statements: list[str] = []
        sa.event.listen(
            self.api_db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: statements.append(statement)
        )
        self.ok("POST", "/servers", {"server": self.server()}, code=202)
        self.assertLessEqual(len([one for one in statements if "BEGIN" not in one]), 8, statements)
