# SPDX-License-Identifier: Apache-2.0
"""rebuild: what may be said, what is changed at once, and what is answered at which version."""

from __future__ import annotations

from typing import Any

from minicloud.api.microversions import MAXIMUM
from minicloud.db.api import build_requests
from tests.unit.api.servers.base import BIG_IMAGE, IMAGE, QUEUED_IMAGE, ServersTest
from tests.unit.api.shapes import at, check, schemas

SERVERS = schemas("servers")


class Rebuild(ServersTest):
    def rebuild(self, server_id: str, version: int = 1, **body: Any) -> Any:
        path = f"/servers/{server_id}/action"
        return self.ok("POST", path, {"rebuild": {"imageRef": IMAGE, **body}}, code=202, version=version)["server"]

    def refuse(self, code: int, server_id: str, version: int = 1, **body: Any) -> str:
        path = f"/servers/{server_id}/action"
        return self.refused(code, "POST", path, {"rebuild": {"imageRef": IMAGE, **body}}, version=version)

    def test_shapes(self) -> None:
        self.conf.set_override("instances", -1, "quota")
        self.conf.set_override("cores", -1, "quota")
        for version in (1, 3, 9, 19, 26, 47, 54, 57, 63, 71, 73, 75, 90, 96, 98, MAXIMUM):
            server_id = self.active()
            answer = self.rebuild(server_id, version)
            check(self, at(version, SERVERS).rebuild_server_with_admin_pass, {"server": answer}, version)
            self.assertEqual("REBUILD", answer["status"])
            self.assertEqual(version >= 57, "user_data" in answer)
            self.assertIn("adminPass", answer)

    def test_what_changes(self) -> None:
        server_id = self.active(system_metadata={"kept": "yes"}, image_id="old", description="d")
        answer = self.rebuild(
            server_id,
            90,
            name="two",
            metadata={"a": "b"},
            adminPass="secret",
            key_name="key",
            user_data="aGVsbG8=",
            description=None,
            hostname="two",
            accessIPv4="1.2.3.4",
        )
        self.assertEqual(("two", "secret", {"a": "b"}), (answer["name"], answer["adminPass"], answer["metadata"]))
        one = self.stored(server_id)
        self.assertEqual(("two", "two", None), (one.display_name, one.hostname, one.description))
        self.assertEqual((IMAGE, "rebuilding", "key"), (one.image_id, one.task_state, one.key_name))
        self.assertEqual({"kept": "yes"}, one.system_metadata)
        self.assertEqual("x86_64", one.image_properties["architecture"])
        with self.api_db.reader() as conn:
            spec = build_requests.spec(conn, server_id)
        self.assertEqual(IMAGE, spec.image_id if spec else None)
        self.assertEqual(one, self.cells.sent.messages[-1][2])

    def test_nothing_else_changes(self) -> None:
        server_id = self.active(metadata={"a": "b"}, key_name="key", user_data="x")
        self.rebuild(server_id, 57)
        one = self.stored(server_id)
        self.assertEqual(({"a": "b"}, "key", "x"), (one.metadata, one.key_name, one.user_data))
        server_id = self.active(key_name="key", user_data="x")
        self.rebuild(server_id, 57, key_name=None, user_data=None)
        self.assertEqual((None, None), (self.stored(server_id).key_name, self.stored(server_id).user_data))

    def test_what_is_refused(self) -> None:
        server_id = self.active()
        for image in (server_id, QUEUED_IMAGE, BIG_IMAGE, "x", ""):
            self.refuse(400, server_id, imageRef=image)
        self.assertIn("key_name", self.refuse(400, server_id, 54, key_name="nobody"))
        for version, name in ((18, "description"), (53, "key_name"), (56, "user_data"), (89, "hostname")):
            self.refuse(400, server_id, version, **{name: "x"})
        self.refuse(400, server_id, name=" ")
        self.assertEqual("active", self.stored(server_id).vm_state)
        self.refuse(403, server_id, metadata={str(number): "x" for number in range(129)})
        self.assertIsNone(self.stored(server_id).task_state)
        self.assertEqual([], self.cells.sent.methods)
        path = f"/servers/{server_id}/action"
        self.refused(403, "POST", path, {"rebuild": {"imageRef": IMAGE}}, token="reader")
        self.refused(404, "POST", path, {"rebuild": {"imageRef": IMAGE}}, token="other")
