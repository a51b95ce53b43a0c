# SPDX-License-Identifier: Apache-2.0
"""Upload and download."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import urllib.request
from typing import Any

import waitress

from minicloud import exception
from minicloud.builtin.image import errors, records
from minicloud.builtin.image.bootstrap import empty_qcow2
from tests.unit.builtin.image.base import ImageTest, context, failing


class UploadTest(ImageTest):
    options = {"image_size_cap": 1 << 20}

    def test_there_and_back(self) -> None:
        data = bytes(range(256)) * 3000
        image_id = self.image()
        self.assertEqual(204, self.call("alice", "GET", f"/v2/images/{image_id}/file").status_int)
        self.assertEqual(204, self.call("alice", "PUT", f"/v2/images/{image_id}/file", data).status_int)
        image = self.show(image_id)
        self.assertEqual(("active", len(data), len(data)), (image["status"], image["size"], image["virtual_size"]))
        self.assertEqual(hashlib.md5(data, usedforsecurity=False).hexdigest(), image["checksum"])
        self.assertEqual(("sha512", hashlib.sha512(data).hexdigest()), (image["os_hash_algo"], image["os_hash_value"]))
        response = self.call("alice", "GET", f"/v2/images/{image_id}/file")
        self.assertEqual(data, response.body)
        self.assertEqual("application/octet-stream", response.headers["Content-Type"])
        self.assertEqual(image["checksum"], response.headers["Content-MD5"])

    def test_ranges(self) -> None:
        path = f"/v2/images/{self.active(data=b'0123456789')}/file"
        for span, data, header in (
            ("bytes=2-4", b"234", "bytes 2-4/10"),
            ("bytes=7-", b"789", "bytes 7-9/10"),
            ("bytes=-2", b"89", "bytes 8-9/10"),
            ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ):
            response = self.call("alice", "GET", path, Range=span)
            self.assertEqual(
                (206, data, header), (response.status_int, response.body, response.headers["Content-Range"])
            )
        self.refused(416, "alice", "GET", path, Range="bytes=10-")
        self.assertEqual(b"0123456789", self.ok("alice", "GET", path, Range="lines=1-2"))

    def test_empty_data(self) -> None:
        image_id = self.active(data=b"")
        self.assertEqual(("active", 0), (self.show(image_id)["status"], self.show(image_id)["size"]))
        self.assertEqual(200, self.call("alice", "GET", f"/v2/images/{image_id}/file").status_int)

    def test_virtual_size_of_a_qcow2(self) -> None:
        image_id = self.active(data=b"".join(empty_qcow2(64 << 20)), disk_format="qcow2")
        self.assertEqual(64 << 20, self.show(image_id)["virtual_size"])
        self.assertIsNone(self.show(self.active(data=b"not one", disk_format="qcow2"))["virtual_size"])

    def test_refusals(self) -> None:
        image_id = self.image()
        path = f"/v2/images/{image_id}/file"
        self.refused(415, "alice", "PUT", path, {"x": 1})
        self.refused(403, "reader", "PUT", path, b"x")
        self.refused(413, "alice", "PUT", path, b"x" * ((1 << 20) + 1))
        self.refused(400, "alice", "PUT", f"/v2/images/{self.image(disk_format=None)}/file", b"x")
        self.assertEqual("queued", self.show(image_id)["status"])
        self.ok("alice", "PUT", path, b"once")
        self.refused(409, "alice", "PUT", path, b"twice")
        self.assertEqual(b"once", self.ok("alice", "GET", path))

    def test_a_failure_leaves_nothing_and_may_be_tried_again(self) -> None:
        image_id = self.image()
        ctxt = context("alice")
        self.assertRaises(OSError, self.service.data.upload, ctxt, image_id, failing(b"some"))
        endless = (b"x" * 4096 for _ in iter(int, 1))
        self.assertRaises(errors.ImageTooLarge, self.service.data.upload, ctxt, image_id, endless)
        self.assertEqual(("queued", None), (self.show(image_id)["status"], self.show(image_id)["size"]))
        self.assertEqual(set(), self.files())
        self.service.data.upload(ctxt, image_id, [b"better"])
        self.assertEqual("active", self.show(image_id)["status"])

    def test_one_of_two_at_once_wins(self) -> None:
        image_id, started, go = self.image(), threading.Event(), threading.Event()

        def slow() -> object:
            started.set()
            go.wait(5)
            yield b"first"

        first = threading.Thread(target=self.service.data.upload, args=(context("alice"), image_id, slow()))
        first.start()
        self.assertTrue(started.wait(5))
        self.assertEqual("saving", self.show(image_id)["status"])
        self.refused(409, "alice", "PUT", f"/v2/images/{image_id}/file", b"second")
        go.set()
        first.join(5)
        self.assertEqual(b"first", self.ok("alice", "GET", f"/v2/images/{image_id}/file"))

    def test_deleted_meanwhile(self) -> None:
        image_id = self.image()

        def deleting() -> object:
            yield b"x"
            self.service.images.delete(context("alice"), image_id)

        self.assertRaises(errors.ImageGone, self.service.data.upload, context("alice"), image_id, deleting())
        self.assertEqual(set(), self.files())
        self.refused(404, "alice", "GET", f"/v2/images/{image_id}")

    def test_a_download_survives_the_delete(self) -> None:
        image_id = self.active(data=b"x" * 1000000)
        found = self.service.data.download(context("alice"), image_id)
        assert found is not None
        reading = found.read(0, None)
        self.service.images.delete(context("alice"), image_id)
        self.assertEqual(1000000, sum(len(chunk) for chunk in reading))


class DeactivateTest(ImageTest):
    def test_only_admins_download(self) -> None:
        image_id = self.active()
        path = f"/v2/images/{image_id}"
        for _ in range(2):
            self.assertEqual(204, self.call("alice", "POST", f"{path}/actions/deactivate").status_int)
        self.assertEqual(records.DEACTIVATED, self.show(image_id)["status"])
        self.refused(403, "alice", "GET", f"{path}/file")
        self.assertEqual(b"data", self.ok("admin", "GET", f"{path}/file"))
        self.ok("alice", "POST", f"{path}/actions/reactivate")
        self.assertEqual(b"data", self.ok("alice", "GET", f"{path}/file"))

    def test_not_without_data(self) -> None:
        self.refused(403, "alice", "POST", f"/v2/images/{self.image()}/actions/deactivate")


class TransitionTest(ImageTest):
    def test_only_along_the_table(self) -> None:
        from minicloud.builtin.image.db import images

        image_id = self.image()
        with self.db.writer() as conn:
            self.assertRaises(ValueError, images.change_status, conn, image_id, records.DEACTIVATED, (records.QUEUED,))
            self.assertFalse(images.change_status(conn, image_id, records.DEACTIVATED, (records.ACTIVE,)))
        self.assertRaises(exception.ImageNotFound, self.service.images.get, context("bob"), image_id)


class SlowReaders(ImageTest):
    def test_they_keep_no_threads_from_others(self) -> None:
        path = f"/v2/images/{self.active(data=bytes(24 << 20))}/file"
        sockets: dict[int, Any] = {}
        options = {"host": "127.0.0.1", "port": 0, "threads": 1, "outbuf_high_watermark": 1 << 16}
        server = waitress.create_server(self.app, map=sockets, **options)

        def serve() -> None:
            with contextlib.suppress(OSError):  # its socket is closed while it waits
                server.run()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)
        self.addCleanup(server.close)
        for _ in range(2):
            reader = socket.socket()
            self.addCleanup(reader.close)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", int(server.effective_port)))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: alice\r\nRange: bytes=1-\r\n\r\n".encode())
            self.assertIn(b"206", reader.recv(100))
        with urllib.request.urlopen(f"http://127.0.0.1:{server.effective_port}/versions", timeout=5) as answer:
            self.assertEqual(200, answer.status)
