# SPDX-License-Identifier: Apache-2.0
"""What a proxy lets through, to whom, and what it says when it does not."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from minicloud import exception
from minicloud.consoles.service import SCREENS, TERMINALS, ProxyService
from minicloud.db.cell import instances
from minicloud.objects import ConsoleAddress
from minicloud.web.moments import now
from tests.fixtures.websocket import Browser
from tests.unit.consoles.base import ProxyTest


class Carrying(ProxyTest):
    def test_bytes_both_ways(self) -> None:
        browser, line = self.opened()
        self.assertEqual("binary", browser.opening.subprotocol)
        browser.send(b"ls\r\x00\xff")
        self.assertEqual(b"ls\r\x00\xff", line.recv(100))
        line.sendall(b"\x1b[1m" + b"x" * 300_000)
        self.assertEqual(b"\x1b[1m" + b"x" * 300_000, browser.read(300_004))

    def test_a_browser_that_leaves_ends_the_console(self) -> None:
        browser, line = self.opened()
        browser.line.close()
        self.assertEqual(b"", line.recv(1))

    def test_nonsense_ends_it(self) -> None:
        browser, line = self.opened()
        browser.line.sendall(b"\xff\xff\xff\xff\xff\xff")
        self.assertEqual(1002, browser.closed()[0])
        self.assertEqual(b"", line.recv(1))

    def test_a_console_that_closes(self) -> None:
        browser, line = self.opened()
        line.close()
        self.assertEqual(4411, browser.closed()[0])

    def test_a_console_that_closes_long_before_its_server_is_said_to_be_off(self) -> None:
        browser, line = self.opened()
        self.change(task_state="powering-off")
        line.close()
        time.sleep(2.5)
        self.change(task_state=None, vm_state="stopped", power_state=4)
        self.assertEqual(4409, browser.closed()[0])

    def test_what_ends_a_console_that_is_open(self) -> None:
        for changes, code in (({"vm_state": "stopped"}, 4409), ({"power_state": 4}, 4409), ({"host": "host2"}, 4410)):
            browser, line = self.opened()
            self.change(**changes)
            self.assertEqual(code, browser.closed()[0])
            self.assertEqual(b"", line.recv(1))
            self.change(vm_state="active", power_state=1, host="host1")
        browser, _ = self.opened()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.destroy(conn, self.server_id, now())
        self.assertEqual((4404, "This server has been deleted."), browser.closed())

    def test_an_expired_token_does_not_end_what_it_opened(self) -> None:
        browser = self.browse(self.grant(seconds=0.5))
        line, _ = self.guest.accept()
        self.addCleanup(line.close)
        line.settimeout(1.0)
        self.assertRaises(TimeoutError, line.recv, 1)
        browser.send(b"x")
        self.assertEqual(b"x", line.recv(1))

    def test_silence_ends_it(self) -> None:
        self.conf.set_override("idle_timeout", 1, group="console")
        browser, _ = self.opened()
        self.assertEqual(4408, browser.closed()[0])


class Refusing(ProxyTest):
    def refused(self, token: str, **headers: str) -> None:
        browser = self.browse(token, **headers)
        self.assertFalse(browser.is_open)
        self.assertEqual(403, browser.opening.status_code)

    def test_tokens(self) -> None:
        self.refused("")
        self.refused("bad" + self.grant())
        self.refused("x" * 5000)
        self.refused(self.grant(seconds=-1))
        self.refused(self.grant(console_type="novnc"))
        self.refused(self.grant(compute_host="host2"))
        self.guest.settimeout(0.2)
        self.assertRaises(TimeoutError, self.guest.accept)

    def test_a_stopped_server(self) -> None:
        token = self.grant()
        self.change(power_state=4)
        self.refused(token)
        self.change(vm_state="stopped", power_state=1)
        self.refused(token)

    def test_pages_from_elsewhere(self) -> None:
        self.conf.set_override("allowed_origins", ["dashboard.example.org"], group="console")
        token = self.grant()
        self.refused(token, Origin="http://evil.example.org")
        self.refused(token, Origin=f"http://127.0.0.1:{self.port + 1}")
        self.refused(token, Origin="null")
        for origin in (f"http://127.0.0.1:{self.port}", "https://dashboard.example.org"):
            self.assertTrue(self.browse(token, Origin=origin).is_open)

    def test_what_the_host_says_now(self) -> None:
        for answer, code in (
            (exception.ConsoleNotAvailable(instance_uuid="x", reason="off"), 4409),
            (exception.GuestNotFound(instance_uuid="x"), 4409),
            (exception.NotSupported(what="x"), 4502),
            (exception.ServiceUnavailable(reason="x"), 4502),
            (ConsoleAddress(host="127.0.0.1", port=1), 4401),
        ):
            self.cells.sent.answers["get_console"] = answer
            self.assertEqual(code, self.browse(self.grant()).closed()[0])

    def test_a_console_that_is_not_there(self) -> None:
        self.guest.close()
        code, reason = self.browse(self.grant()).closed()
        self.assertEqual(4502, code)
        self.assertIn("cannot reach", reason)

    def test_too_many(self) -> None:
        self.conf.set_override("max_connections", 2, group="console")
        self.start()
        browsers = [self.browse(self.grant()) for _ in range(2)]
        third = self.browse(self.grant())
        self.assertEqual(503, third.opening.status_code)
        browsers[0].line.close()
        self.assertEqual(b"", self.guest.accept()[0].recv(1))

    def test_tokens_in_other_places(self) -> None:
        token = self.grant()
        for target, headers in (
            (f"/?path=%3Ftoken%3D{token}", {}),
            ("/websockify", {"Cookie": f"token={token}"}),
            (f"/websockify?token={token}", {"Cookie": "token=other; ;;"}),
        ):
            browser = Browser(self.port, target, **headers)
            self.addCleanup(browser.line.close)
            self.assertTrue(browser.is_open)


class Pages(ProxyTest):
    def get(self, path: str, port: int | None = None) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def status(self, token: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.get(f"/status?token={token}")[2])
        return said

    def test_pages_and_their_parts(self) -> None:
        for path, kind in (("/?token=x", "html"), ("/static/serial.js", "javascript"), ("/static/console.css", "css")):
            code, headers, body = self.get(path)
            self.assertEqual(200, code)
            self.assertIn(kind, headers["Content-Type"])
            self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
            self.assertIn(b"SPDX", body)
        screens = self.start(SCREENS)
        assert screens._server is not None
        for path in ("/", "/vnc_auto.html?path=%3Ftoken%3Dx", "/vnc_lite.html"):
            code, _, body = self.get(path, screens._server.server_port)
            self.assertEqual((200, True), (code, b"noVNC" in body and b"<script" in body))

    def test_the_library_of_others(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.conf.set_override("xterm_path", str(folder / "xterm"), group="serial_console")
        self.start()
        self.assertFalse(self.status(self.grant())["library"])
        (folder / "xterm/lib").mkdir(parents=True)
        (folder / "xterm/lib/xterm.js").write_text("its code")
        (folder / "xterm/lib/secret.pem").write_text("key")
        (folder / "outside.js").write_text("not for others")
        (folder / "xterm/link.js").symlink_to(folder / "outside.js")
        self.assertTrue(self.status(self.grant())["library"])
        self.assertEqual(b"its code", self.get("/xterm/lib/xterm.js")[2])
        for path in (
            "/xterm/lib/secret.pem",
            "/xterm/../outside.js",
            "/xterm/link.js",
            "/static/../service.py",
            "/static//etc/passwd",
            "/xterm/lib",
            "/nothing",
            "/%2e%2e/outside.js",
        ):
            self.assertEqual(404, self.get(path)[0], path)

    def test_what_a_token_is_worth(self) -> None:
        token = self.grant()
        self.assertEqual(("ready", "one"), tuple(self.status(token)[key] for key in ("state", "server")))
        unknown = self.status("bad" + token)
        self.assertEqual("unknown", unknown["state"])
        self.assertNotIn("server", unknown)
        self.change(power_state=4)
        self.assertEqual("off", self.status(token)["state"])

    def test_other_requests(self) -> None:
        for request in (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
            b"nonsense\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
                line.sendall(request)
                self.assertRegex(line.recv(4096), rb"(400|501)|Bad request")


class Ports(ProxyTest):
    def test_a_port_that_is_taken(self) -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        error = self.assertRaises(OSError, self.start, TERMINALS, port, may_move=True)
        self.assertIn(f"serialproxy cannot listen on port {port}", str(error))
        self.assertIn("[serial_console] serialproxy_port", str(error))

    def test_a_default_port_that_is_taken_is_left_to_others(self) -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        self.conf.clear_override("serialproxy_port", group="serial_console")
        self.conf.set_default("serialproxy_port", port, group="serial_console")
        self.assertRaises(OSError, ProxyService(self.conf, self.cells, TERMINALS).start)
        proxy = ProxyService(self.conf, self.cells, TERMINALS, may_move=True)
        self.addCleanup(proxy.stop)
        proxy.start()
        self.assertNotIn(self.port, (0, port))
        self.assertTrue(self.browse(self.grant()).is_open)
