# SPDX-License-Identifier: Apache-2.0
"""What the embedded HTTP server takes before an application sees it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

import testtools

import minicloud.cmd.backend  # noqa: F401  # before anything else of OpenStack
from minicloud import conf as configuration
from minicloud.cmd import bodies, http


def _app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(size).encode()]


class Bodies(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        conf = configuration.new(args=[], files=[])
        conf.set_override("port", self.port, group="front_end")
        service = http.HttpService(conf, _app)
        service.start()
        self.addCleanup(service.stop)

    def ask(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        head = "\r\n".join([f"{line} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""])
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(head.encode() + body)
            answer = b""
            while received := client.recv(65536):
                answer += received
            return answer

    def test_large_bodies_are_refused_before_they_come(self) -> None:
        for line, *headers in (
            ("POST /compute/v2.1/servers", "X-Auth-Token: t"),
            ("PUT /image/v2/images/x/file",),
            ("POST /image/v2/images/x/file", "X-Auth-Token: t"),
        ):
            answer = self.ask(line, *headers, f"Content-Length: {bodies.SMALL}")
            self.assertIn(b" 413 ", answer.split(b"\r\n")[0])

    def test_chunks_count_too(self) -> None:
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        answer = self.ask("POST /compute/", "Transfer-Encoding: chunked", body=chunk * 2)
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0])

    def test_images_may_be_large(self) -> None:
        size = bodies.SMALL + 1
        headers = ("X-Auth-Token: t", f"Content-Length: {size}")
        answer = self.ask("PUT /image/v2/images/x/file", *headers, body=b"x" * size)
        self.assertTrue(answer.endswith(b"\r\n\r\n%d" % size), answer[:200])
