# SPDX-License-Identifier: Apache-2.0
"""The service on every kind of database."""

from __future__ import annotations

from tests.fixtures.databases import new_url
from tests.unit.builtin.image.base import ImageTest


class SqliteTest(ImageTest):
    def test_an_images_life(self) -> None:
        image_id = self.active(name="Größe \U0001f419", x="1", X="2", tags=["a", "A"], min_disk=1)
        self.assertEqual(1, len(self.names("alice", "x=1&tag=A&size_min=1&sort=protected,name:asc,size")))
        self.assertEqual([], self.names("alice", "name=grösse"))
        for number in range(3):
            self.image(name=f"i{number}")
        page = self.ok("alice", "GET", "/v2/images?limit=2&sort=size:desc,created_at:asc")
        self.assertEqual(image_id, page["images"][0]["id"])
        rest = self.ok("alice", "GET", page["next"])
        self.assertEqual(["i1", "i2"], [image["name"] for image in rest["images"]])
        self.change("alice", image_id, {"op": "replace", "path": "/x", "value": "3"}, {"op": "remove", "path": "/X"})
        self.assertEqual("3", self.show(image_id)["x"])
        self.ok("alice", "POST", f"/v2/images/{image_id}/members", {"member": "two"})
        self.ok("bob", "PUT", f"/v2/images/{image_id}/members/two", {"status": "accepted"})
        self.assertEqual(1, len(self.names("bob")))
        self.refused(409, "alice", "POST", f"/v2/images/{image_id}/members", {"member": "two"})
        self.refused(409, "alice", "POST", "/v2/images", {"id": image_id})
        staged = self.image()
        self.ok("alice", "PUT", f"/v2/images/{staged}/stage", b"staged")
        self.ok("alice", "POST", f"/v2/images/{staged}/import", {"method": {"name": "glance-direct"}})
        self.assertEqual("active", self.settled(staged)["status"])
        self.assertEqual(1, len(self.ok("admin", "GET", "/v2/tasks")["tasks"]))
        self.ok("alice", "DELETE", f"/v2/images/{image_id}")
        self.refused(404, "alice", "GET", f"/v2/images/{image_id}")


class MariaDbTest(SqliteTest):
    def database_url(self) -> str:
        return new_url(self, "MariaDB")


class PostgresqlTest(SqliteTest):
    def database_url(self) -> str:
        return new_url(self, "PostgreSQL")
