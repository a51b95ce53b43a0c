# SPDX-License-Identifier: Apache-2.0
"""Imports: staged data, and downloads that cannot reach inside."""

from __future__ import annotations

import http.server
import threading
from typing import Any

from minicloud.builtin.image import errors, fetch
from tests.unit.builtin.image.base import ImageTest, context, failing


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/data": (200, {"Content-Length": "7"}, b"content"),
            "/big": (200, {"Content-Length": "5000"}, b"x" * 5000),
            "/cut": (200, {"Content-Length": "50"}, b"short"),
            "/moved": (302, {"Location": "/data"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
        }
        status, headers, body = pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quietly."""


def web(test: ImageTest) -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}"


class DirectTest(ImageTest):
    def _import(self, image_id: str, **body: Any) -> Any:
        return self.call(
            "alice", "POST", f"/v2/images/{image_id}/import", {"method": {"name": "glance-direct"}, **body}
        )

    def test_stage_and_import(self) -> None:
        image_id = self.image()
        self.assertEqual(204, self.call("alice", "PUT", f"/v2/images/{image_id}/stage", b"staged").status_int)
        self.assertEqual("uploading", self.show(image_id)["status"])
        response = self._import(image_id)
        self.assertEqual((202, b""), (response.status_int, response.body))
        image = self.settled(image_id)
        self.assertEqual(("active", 6, "local"), (image["status"], image["size"], image["stores"]))
        self.assertEqual([], [name for name in image if name.startswith("os_glance")])
        self.assertEqual({image_id}, self.files())
        (task,) = self.ok("alice", "GET", f"/v2/images/{image_id}/tasks")["tasks"]
        self.assertEqual(("success", "api_image_import"), (task["status"], task["type"]))
        self.assertEqual(response.headers["X-Openstack-Request-Id"], task["request_id"])
        self.assertEqual("glance-direct", task["input"]["import_req"]["method"]["name"])
        self.assertEqual(task, self.ok("admin", "GET", f"/v2/tasks/{task['id']}"))
        self.assertEqual([task], self.ok("admin", "GET", "/v2/tasks")["tasks"])
        self.refused(403, "alice", "GET", "/v2/tasks")

    def test_refusals(self) -> None:
        image_id = self.image()
        path = f"/v2/images/{image_id}/import"
        self.assertEqual(409, self._import(image_id).status_int)
        self.refused(400, "alice", "POST", path, {"method": {"name": "nope"}})
        self.refused(400, "alice", "POST", path, {})
        self.refused(400, "alice", "POST", path, {"method": {"name": "web-download"}})
        self.ok("alice", "PUT", f"/v2/images/{image_id}/stage", b"x")
        self.refused(409, "alice", "PUT", f"/v2/images/{image_id}/stage", b"x")
        self.refused(409, "alice", "PUT", f"/v2/images/{image_id}/file", b"x")
        self.assertEqual(409, self._import(image_id, stores=["other"]).status_int)
        self.assertEqual("uploading", self.show(image_id)["status"])
        self.ok("alice", "DELETE", f"/v2/images/{image_id}")
        self.assertEqual(set(), self.files())

    def test_tasks_are_for_the_owner(self) -> None:
        image_id = self.image(visibility="community")
        self.show(image_id, "bob")
        self.refused(403, "bob", "GET", f"/v2/images/{image_id}/tasks")
        self.ok("reader", "GET", f"/v2/images/{image_id}/tasks")

    def test_a_stage_that_fails_leaves_nothing(self) -> None:
        image_id = self.image()
        self.assertRaises(OSError, self.service.data.stage, context("alice"), image_id, failing(b"some"))
        self.assertEqual("queued", self.show(image_id)["status"])
        self.assertEqual(set(), self.files())

    def test_discovery(self) -> None:
        self.assertEqual(
            ["glance-direct", "web-download"], self.ok("alice", "GET", "/v2/info/import")["import-methods"]["value"]
        )
        self.assertEqual(["local"], [store["id"] for store in self.ok("alice", "GET", "/v2/info/stores")["stores"]])


class DownloadTest(ImageTest):
    options = {"web_download_private_addresses": True, "web_download_ports": [], "image_size_cap": 4096}

    def _import(self, uri: str) -> dict[str, Any]:
        image_id = self.image()
        body = {"method": {"name": "web-download", "uri": uri}}
        self.assertEqual(202, self.call("alice", "POST", f"/v2/images/{image_id}/import", body).status_int)
        return self.settled(image_id)

    def test_success(self) -> None:
        base = web(self)
        for path in ("/data", "/moved"):
            image = self._import(base + path)
            self.assertEqual(("active", 7), (image["status"], image["size"]))

    def test_failures_leave_the_image_queued(self) -> None:
        base = web(self)
        for uri in (*(base + path for path in ("/none", "/big", "/cut", "/loop", "/file")), "http://127.0.0.1:1/"):
            image = self._import(uri)
            self.assertEqual(("queued", "local"), (image["status"], image["os_glance_failed_import"]), uri)
            (task,) = self.ok("alice", "GET", f"/v2/images/{image['id']}/tasks")["tasks"]
            self.assertEqual("failure", task["status"])
            self.assertTrue(task["message"])
        self.assertEqual(set(), self.files())
        self.ok("alice", "PUT", f"/v2/images/{image['id']}/file", b"now by hand")
        self.assertNotIn("os_glance_failed_import", self.show(image["id"]))


class SafetyTest(ImageTest):
    def test_uris_that_are_not_even_tried(self) -> None:
        image_id = self.image()
        for uri in (
            "file:///etc/passwd",
            "ftp://example.org/x",
            "http://localhost/x",
            "http://x.localhost/x",
            "http://127.0.0.1/x",
            "http://[::1]/x",
            "http://[::ffff:10.0.0.1]/x",
            "http://169.254.169.254/latest",
            "http://example.org:22/x",
            "http://user:password@example.org/x",
            "http://example.org:99999/x",
            "http://exa mple.org/",
            "http:///x",
            "x",
        ):
            body = {"method": {"name": "web-download", "uri": uri}}
            message = self.refused(400, "alice", "POST", f"/v2/images/{image_id}/import", body)
            self.assertIn("does not pass filtering", message)
        self.assertEqual("queued", self.show(image_id)["status"])

    def test_addresses(self) -> None:
        for address in ("8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"):
            self.assertTrue(fetch.is_public(address), address)
        for address in (
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1",
            "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1",
            "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "nonsense",
        ):  # fmt: skip
            self.assertFalse(fetch.is_public(address), address)

    def test_a_redirect_inside_is_refused(self) -> None:
        # The first request is let through here; where it leads to must not be.
        base = web(self)
        limits = fetch.Limits(private_addresses=True, ports=())
        self.assertEqual(b"content", b"".join(fetch.download(f"{base}/moved", limits)))
        self.assertRaises(errors.UriRefused, list, fetch.download(f"{base}/file", limits))
        strict = fetch.Limits(private_addresses=False, ports=())
        self.assertRaises(errors.UriRefused, list, fetch.download(f"{base}/data", strict))

    def test_a_name_that_resolves_inside_is_refused(self) -> None:
        import socket

        if not socket.gethostname() or "." in socket.gethostname():
            self.skipTest("this host's name says nothing about its address")
        strict = fetch.Limits(private_addresses=False, ports=())
        refused = (errors.UriRefused, errors.FetchFailed)
        self.assertRaises(refused, list, fetch.download(f"http://{socket.gethostname()}/", strict))
