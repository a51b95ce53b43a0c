# SPDX-License-Identifier: Apache-2.0
"""From the API's URL through the proxy to a guest, wherever each of them runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.fixtures.websocket import Browser
from tests.functional.base import CloudTest


class Consoles(CloudTest):
    def test_a_serial_console_until_its_server_stops(self) -> None:
        server_id = self.user.boot("talkative")
        self.user.until(server_id, "ACTIVE")
        path = f"/compute/v2.1/servers/{server_id}/remote-consoles"
        body = {"remote_console": {"protocol": "serial", "type": "serial"}}
        url = urlsplit(self.user.send("POST", path, body, expect=200).body["remote_console"]["url"])
        token = url.query.removeprefix("token=")
        shown = self.admin.compute(f"/os-console-auth-tokens/{token}")["console"]
        self.assertEqual(server_id, shown["instance_uuid"])
        assert url.port is not None
        self.assertEqual(403, Browser(url.port, f"/?{url.query}bad").opening.status_code)
        browser = Browser(url.port, f"/?{url.query}")
        self.addCleanup(browser.line.close)
        self.until_said(browser, b"talkative login: ")
        browser.send(b"root\recho out of the guest\r")
        self.until_said(browser, b"\nout of the guest")
        self.user.act(server_id, "os-stop")
        self.assertEqual(4409, browser.closed()[0])
        self.admin.send("GET", f"/compute/v2.1/os-console-auth-tokens/{token}", expect=404)
        self.user.until(server_id, "SHUTOFF")
        self.user.send("POST", path, body, expect=409)

    def until_said(self, browser: Browser, wanted: bytes) -> None:
        said = b""
        while wanted not in said:
            said += browser.read(1)
