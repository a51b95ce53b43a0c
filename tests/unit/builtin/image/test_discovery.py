# SPDX-License-Identifier: Apache-2.0
"""Versions, schemas, metadata definitions; and that no path answers without a token."""

from __future__ import annotations

from minicloud.builtin.image.api.routes import OPERATIONS
from tests.unit.builtin.image.base import ImageTest


class DiscoveryTest(ImageTest):
    def test_versions(self) -> None:
        response = self.call(None, "GET", "/")
        self.assertEqual(300, response.status_int)
        versions = response.json["versions"]
        self.assertEqual([f"v2.{minor}" for minor in range(16, -1, -1)], [version["id"] for version in versions])
        self.assertEqual(["v2.16"], [version["id"] for version in versions if version["status"] == "CURRENT"])
        self.assertEqual("http://localhost/v2/", versions[0]["links"][0]["href"])
        self.assertEqual(versions, self.ok("alice", "GET", "/versions")["versions"])

    def test_schemas(self) -> None:
        for name in ("image", "images", "member", "members", "task", "tasks"):
            self.assertEqual(name, self.ok("alice", "GET", f"/v2/schemas/{name}")["name"])
        image = self.show(self.active())
        self.assertEqual(set(), set(image) - set(self.ok("alice", "GET", "/v2/schemas/image")["properties"]))

    def test_metadefs_are_empty(self) -> None:
        self.assertEqual([], self.ok("alice", "GET", "/v2/metadefs/namespaces")["namespaces"])
        self.assertEqual([], self.ok("alice", "GET", "/v2/metadefs/resource_types")["resource_types"])

    def test_all_but_versions_want_a_token(self) -> None:
        for operation in OPERATIONS:
            if not operation.public:
                self.refused(401, None, operation.method, operation.path.replace("{", "").replace("}", ""))
        self.refused(401, None, "GET", "/v2/nothing")
        self.refused(404, "alice", "GET", "/v2/nothing")
        self.refused(405, "alice", "PUT", "/v2/images")
