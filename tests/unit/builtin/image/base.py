# SPDX-License-Identifier: Apache-2.0
"""An image service of its own for each test, and requests to it without a server."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import testtools
import webob

from minicloud import conf as configuration
from minicloud import exception
from minicloud.builtin.image.app import make_app
from minicloud.builtin.image.service import ImageService
from minicloud.context import RequestContext
from minicloud.db.session import Database

#: token -> (project, roles)
TOKENS = {
    "admin": ("adm", ["admin", "manager", "member", "reader"]),
    "alice": ("one", ["member", "reader"]),
    "bob": ("two", ["member", "reader"]),
    "reader": ("one", ["reader"]),
}
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
OLD_PATCH_TYPE = "application/openstack-images-v2.0-json-patch"


def context(token: str) -> RequestContext:
    if token not in TOKENS:
        raise exception.Unauthorized()
    project, roles = TOKENS[token]
    return RequestContext(user_id=f"user-{token}", project_id=project, roles=list(roles))


class ImageTest(testtools.TestCase):
    """A service over a temporary directory."""

    #: Overrides of options of [image].
    options: dict[str, Any] = {}

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.conf = configuration.new(files=[])
        self.conf.set_override("state_dir", self.folder)
        for name, value in self.options.items():
            self.conf.set_override(name, value, "image")
        self.db = Database(self.database_url())
        self.addCleanup(self.db.dispose)
        self.service = ImageService(self.conf, self.db)
        self.addCleanup(self.service.close)
        self.app = make_app(self.conf, self.db, context, service=self.service)

    def database_url(self) -> str:
        return f"sqlite:///{self.folder}/image.sqlite"

    def call(self, token: str | None, method: str, path: str, body: Any = None, **headers: str) -> webob.Response:
        request = webob.Request.blank(path, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
        if token is not None:
            request.headers["X-Auth-Token"] = token
        if isinstance(body, bytes):
            request.body = body
            request.content_type = headers.get("Content_Type", "application/octet-stream")
        elif body is not None:
            request.body = json.dumps(body).encode()
            request.content_type = headers.get("Content_Type", "application/json")
        return request.get_response(self.app)

    def ok(self, token: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        response = self.call(token, method, path, body, **headers)
        self.assertIn(response.status_int, (200, 201, 202, 204), response.text)
        return response.json if response.content_type == "application/json" and response.body else response.body

    def refused(self, code: int, token: str | None, method: str, path: str, body: Any = None, **headers: str) -> str:
        """The message of the fault."""
        response = self.call(token, method, path, body, **headers)
        self.assertEqual(code, response.status_int, response.text)
        self.assertEqual({"code", "title", "message"}, set(response.json))
        return str(response.json["message"])

    def image(self, token: str = "alice", **fields: Any) -> str:
        """The id of a new image, queued."""
        body = {"name": "an image", "disk_format": "raw", "container_format": "bare", **fields}
        return str(self.ok(token, "POST", "/v2/images", body)["id"])

    def active(self, token: str = "alice", data: bytes = b"data", **fields: Any) -> str:
        image_id = self.image(token, **fields)
        self.ok(token, "PUT", f"/v2/images/{image_id}/file", data)
        return image_id

    def show(self, image_id: str, token: str = "alice") -> dict[str, Any]:
        shown: dict[str, Any] = self.ok(token, "GET", f"/v2/images/{image_id}")
        return shown

    def names(self, token: str, query: str = "") -> list[str]:
        return [image["name"] for image in self.ok(token, "GET", f"/v2/images?{query}")["images"]]

    def change(self, token: str, image_id: str, *steps: dict[str, Any]) -> webob.Response:
        return self.call(token, "PATCH", f"/v2/images/{image_id}", list(steps), Content_Type=PATCH_TYPE)

    def settled(self, image_id: str, token: str = "alice") -> dict[str, Any]:
        """An image once its import is over."""
        for _ in range(500):
            tasks = self.ok(token, "GET", f"/v2/images/{image_id}/tasks")["tasks"]
            if all(task["status"] in ("success", "failure") for task in tasks):
                return self.show(image_id, token)
            time.sleep(0.01)
        raise AssertionError("the import did not end")

    def files(self) -> set[str]:
        """All files of the store, by path below its root."""
        root = self.service.store.root
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != ".lock"}


def failing(*chunks: bytes) -> Iterator[bytes]:
    """A body that breaks off."""
    yield from chunks
    raise OSError("connection reset")
