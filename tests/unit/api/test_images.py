# SPDX-License-Identifier: Apache-2.0
"""/images until 2.35."""

from __future__ import annotations

from minicloud.objects import Image
from tests.unit.api.base import SERVER, ApiTest
from tests.unit.api.servers.base import IMAGE


class ImagesProxy(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.images.images["snap"] = Image(
            id="snap", name="s", status="saving", properties={"image_type": "snapshot", "instance_uuid": SERVER}
        )

    def test_shown(self) -> None:
        shown = self.ok("GET", f"/images/{IMAGE}")["image"]
        self.assertEqual(("ACTIVE", 100), (shown["status"], shown["progress"]))
        shown = self.ok("GET", "/images/snap", version=35)["image"]
        self.assertEqual(("SAVING", 50, SERVER), (shown["status"], shown["progress"], shown["server"]["id"]))
        for path, version in (("/images/x", 1), ("/images/snap", 36)):
            self.refused(404, "GET", path, version=version)

    def test_samples(self) -> None:
        listed = self.ok("GET", "/images")
        for one in listed["images"]:
            self.assertEqual("alternate", one["links"].pop()["rel"])
        self.like_sample("images/images-list-get-resp", listed, 1)
        self.assertEqual(["snap"], [one["id"] for one in self.ok("GET", "/images/detail?type=snapshot")["images"]])
        self.assertEqual(["snap"], [one["id"] for one in self.ok("GET", f"/images?server={SERVER}")["images"]])
        self.assertNotIn("snap", [one["id"] for one in self.ok("GET", "/images?status=ACTIVE")["images"]])

    def test_deleted(self) -> None:
        self.ok("DELETE", "/images/snap", code=204)
        self.refused(404, "DELETE", "/images/snap")
