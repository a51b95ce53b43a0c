# SPDX-License-Identifier: Apache-2.0
"""Sharing between projects."""

from __future__ import annotations

from tests.unit.builtin.image.base import ImageTest


class MemberTest(ImageTest):
    options = {"image_member_quota": 2}

    def setUp(self) -> None:
        super().setUp()
        self.image_id = self.active()
        self.path = f"/v2/images/{self.image_id}/members"

    def test_share_accept_reject_remove(self) -> None:
        member = self.ok("alice", "POST", self.path, {"member": "two"})
        self.assertEqual((self.image_id, "two", "pending"), (member["image_id"], member["member_id"], member["status"]))
        self.show(self.image_id, "bob")
        self.assertEqual([], self.names("bob"))
        self.assertEqual(["an image"], self.names("bob", "visibility=shared&member_status=pending"))
        self.assertEqual(["an image"], self.names("bob", "member_status=all"))
        for status, names in (("accepted", ["an image"]), ("rejected", []), ("pending", [])):
            changed = self.ok("bob", "PUT", f"{self.path}/two", {"status": status})
            self.assertEqual(status, changed["status"])
            self.assertEqual(names, self.names("bob"))
        self.assertEqual(b"data", self.ok("bob", "GET", f"/v2/images/{self.image_id}/file"))
        self.assertEqual(204, self.call("alice", "DELETE", f"{self.path}/two").status_int)
        self.refused(404, "bob", "GET", f"/v2/images/{self.image_id}")
        self.refused(404, "alice", "DELETE", f"{self.path}/two")

    def test_who_may(self) -> None:
        self.refused(404, "bob", "POST", self.path, {"member": "two"})
        self.refused(403, "reader", "POST", self.path, {"member": "two"})
        self.ok("alice", "POST", self.path, {"member": "two"})
        self.refused(403, "bob", "POST", self.path, {"member": "three"})
        self.refused(403, "bob", "DELETE", f"{self.path}/two")
        self.refused(403, "alice", "PUT", f"{self.path}/two", {"status": "accepted"})
        self.refused(403, "bob", "DELETE", f"/v2/images/{self.image_id}")

    def test_members_see_themselves_only(self) -> None:
        for member in ("two", "three"):
            self.ok("alice", "POST", self.path, {"member": member})
        self.assertEqual({"two", "three"}, self._members("alice"))
        self.assertEqual({"two"}, self._members("bob"))
        self.assertEqual("two", self.ok("bob", "GET", f"{self.path}/two")["member_id"])
        self.refused(404, "bob", "GET", f"{self.path}/three")
        self.refused(404, "alice", "GET", f"{self.path}/four")
        self.refused(400, "alice", "GET", f"{self.path}/%00")

    def _members(self, token: str) -> set[str]:
        return {member["member_id"] for member in self.ok(token, "GET", self.path)["members"]}

    def test_refusals(self) -> None:
        self.ok("alice", "POST", self.path, {"member": "two"})
        self.refused(409, "alice", "POST", self.path, {"member": "two"})
        self.refused(400, "bob", "PUT", f"{self.path}/two", {"status": "nope"})
        self.refused(400, "alice", "POST", self.path, {"member": ""})
        self.refused(400, "alice", "POST", self.path, {"member": "x" * 256})
        self.ok("alice", "POST", self.path, {"member": "three"})
        self.refused(413, "alice", "POST", self.path, {"member": "four"})

    def test_only_shared_images_have_members(self) -> None:
        self.ok("alice", "POST", self.path, {"member": "two"})
        self.change("alice", self.image_id, {"op": "replace", "path": "/visibility", "value": "private"})
        self.refused(404, "bob", "GET", f"/v2/images/{self.image_id}")
        self.assertEqual([], self.names("bob", "visibility=all&member_status=all"))
        self.refused(403, "alice", "GET", self.path)
        self.refused(403, "alice", "POST", self.path, {"member": "three"})
