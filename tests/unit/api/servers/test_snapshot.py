# SPDX-License-Identifier: Apache-2.0
"""createImage and createBackup: what is registered, what is sent, what is answered."""

from __future__ import annotations

from typing import Any

from minicloud.db.cell import services
from minicloud.objects.image import Image
from minicloud.web.moments import now
from tests.unit.api.servers.base import ServersTest

FACTS = {"disk_format": "qcow2", "size": 7, "min_ram": 1, "architecture": "x86_64", "signature_verified": "True"}
BACKUP = {"name": "b", "backup_type": "daily", "rotation": "2"}


class Snapshot(ServersTest):
    def made(self, before: set[str]) -> Image:
        (image_id,) = set(self.images.images) - before
        return self.images.images[image_id]

    def act(self, server_id: str, body: Any, version: int = 1) -> Any:
        response = self.request("POST", f"/servers/{server_id}/action", body, version=version)
        self.assertEqual(202, response.status_int, response.text)
        return response

    def refuse(self, code: int, server_id: str, body: Any, **options: Any) -> str:
        return self.refused(code, "POST", f"/servers/{server_id}/action", body, **options)

    def test_an_image_is_registered_for_the_host(self) -> None:
        server_id = self.active(image_properties=FACTS)
        before = set(self.images.images)
        response = self.act(server_id, {"createImage": {"name": "snap", "metadata": {"a": "b"}}})
        image = self.made(before)
        self.assertTrue(response.headers["Location"].endswith(f"/images/{image.id}"))
        self.assertEqual(b"", response.body)
        self.assertEqual(
            ("snap", "qcow2", "private", 1, 1),
            (image.name, image.disk_format, image.visibility, image.min_ram, image.min_disk),
        )
        one = self.stored(server_id)
        self.assertEqual(
            {
                "a": "b", "architecture": "x86_64", "image_type": "snapshot", "instance_uuid": server_id,
                "user_id": "u1", "base_image_ref": one.image_id,
            },
            image.properties,
        )  # fmt: skip
        self.assertEqual("image_snapshot_pending", one.task_state)
        self.assertEqual(image.id, one.system_metadata["snapshot_image"])
        self.assertEqual(("snapshot_instance", "host1", one, image.id), self.cells.sent.messages[-1])

    def test_its_id_is_answered_from_2_45_on(self) -> None:
        server_id = self.active()
        before = set(self.images.images)
        response = self.act(server_id, {"createImage": {"name": "snap"}}, 45)
        self.assertEqual({"image_id": self.made(before).id}, response.json)
        self.assertNotIn("Location", response.headers)

    def test_backups(self) -> None:
        server_id = self.active()
        response = self.act(server_id, {"createBackup": BACKUP})
        self.assertIn("Location", response.headers)
        self.assertEqual(("daily", 2), self.cells.sent.messages[-1][4:])
        self.assertEqual("image_backup", self.stored(server_id).task_state)
        nothing = self.act(self.active(), {"createBackup": {**BACKUP, "rotation": 0}})
        self.assertNotIn("Location", nothing.headers)

    def test_what_is_refused_leaves_no_image(self) -> None:
        server_id = self.active(vm_state="error")
        before = set(self.images.images)
        message = self.refuse(409, server_id, {"createImage": {"name": "x"}})
        self.assertEqual(f"Cannot 'createImage' instance {server_id} while it is in vm_state error", message)
        self.refuse(409, self.active(locked_by="owner"), {"createImage": {"name": "x"}})
        server_id = self.active()
        for body in ({}, {"name": ""}, {"name": "x", "metadata": {"a": 1}}, {"name": "x", "other": 1}):
            self.refuse(400, server_id, {"createImage": body})
        for change in ({"rotation": -1}, {"rotation": "x"}, {"backup_type": 3}, {"name": None}):
            self.refuse(400, server_id, {"createBackup": {**BACKUP, **change}})
        many = {str(number): "x" for number in range(129)}
        self.refuse(403, server_id, {"createImage": {"name": "x", "metadata": many}})
        self.refuse(403, server_id, {"createImage": {"name": "x"}}, token="reader")
        self.refuse(404, server_id, {"createImage": {"name": "x"}}, token="other")
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            services.update(conn, services.find(conn, host="host1")[0].uuid, now(), forced_down=True)
        self.refuse(409, server_id, {"createImage": {"name": "x"}})
        self.assertEqual(before, set(self.images.images))
