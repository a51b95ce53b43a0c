# SPDX-License-Identifier: Apache-2.0
"""Consoles of real guests in a real browser: what a guest shows, and what its shell answers."""

from __future__ import annotations

import os
import time
from typing import Any

from selenium.webdriver.common.keys import Keys

from minicloud import conf as configuration
from minicloud.consoles import pages
from tests.fixtures.browser import Browser, missing
from tests.integration.guests.test_docker_trouble import DockerTrouble
from tests.integration.guests.test_libvirt_trouble import LibvirtTrouble
from tests.integration.guests.trouble import Trouble

#: Seconds that a link is good for, and of patience with a guest that boots.
_TTL = 20
_BOOT = 240

_PROXIES = f"""\
[vnc]
novncproxy_port = 0
[serial_console]
serialproxy_port = 0
[consoleauth]
token_ttl = {_TTL}
[console]
check_interval = 0.5
"""

#: How many letters' worth of light and of dark the screen has: text has both, a blank one has not.
_LIGHT = """
const canvas = document.querySelector("#console canvas");
const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let light = 0;
for (let at = 0; at < data.length; at += 4) light += data[at] + data[at + 1] + data[at + 2] > 300;
return light;
"""


class Consoles(Trouble):
    """What both kinds of guests have."""

    PASSWORD = "kept-from-nobody"  # a guest of this test only

    def setUp(self) -> None:
        super().setUp()
        settings = configuration.new(files=[])
        for library in (pages.novnc(settings), pages.xterm(settings)):
            if library.folder() is None:
                missing(self, f"{library.name} is not installed: npm install -g @novnc/novnc @xterm/xterm")
        self.browser = Browser(self)

    def open(self, server: Any, kind: str) -> str:
        """A new link, opened."""
        url = str(self.user.compute.create_console(server.id, kind)["url"]).replace("ws://", "http://")
        self.browser.driver.get(url)
        self.until_page("connected")
        return url

    def until_page(self, state: str) -> None:
        self.browser.until(
            lambda: self.browser.run("return document.body.dataset.state") == state, f"the page is not {state}", 40
        )

    def said(self) -> str:
        self.until_page("ended")
        return str(self.browser.find("#message").text)

    def terminal(self) -> str:
        return str(self.browser.run('return document.querySelector(".xterm-rows").innerText')).replace("\xa0", " ")

    def until_terminal(self, words: str, seconds: float = 60) -> None:
        self.browser.until(lambda: words in self.terminal(), f"no {words!r} on: {self.terminal()!r}", seconds)

    def log_in(self, name: str) -> None:
        """And ask the shell something that no echo answers."""
        # A log-in that came before the name and the password of the guest were known is not the one.
        self.browser.until(lambda: f"{name} login:" in self._nudged(), f"no log-in on: {self.terminal()!r}", _BOOT)
        self.browser.type(f"root{Keys.ENTER}")
        self.until_terminal("assword:")
        self.browser.type(f"{self.PASSWORD}{Keys.ENTER}")
        self.until_terminal(f"root@{name}")
        self.browser.type(f"echo answer $((6 * 7)){Keys.ENTER}")
        self.until_terminal("answer 42")

    def _nudged(self) -> str:
        """What is on the line once it was asked to show its log-in again."""
        time.sleep(2)
        self.browser.type(Keys.ENTER)
        time.sleep(0.5)
        return self.terminal()

    def keep_picture(self, name: str) -> None:
        """For those who want to look."""
        if folder := os.environ.get("MINICLOUD_TEST_SCREENSHOTS"):
            self.browser.picture(folder, name)


class TestMachine(Consoles, LibvirtTrouble):
    def configuration(self) -> str:
        return super().configuration() + _PROXIES

    def test_screen_and_line(self) -> None:
        server = self.boot("seen", config_drive=True, admin_password=self.PASSWORD)
        url = self.open(server, "serial")
        self.log_in("seen")
        self.assertEqual([], self.browser.errors())
        self.keep_picture("machine-serial")

        self.open(server, "novnc")
        self.browser.until(lambda: self.browser.run(_LIGHT) > 500, "the screen is blank", 60)
        before = self.browser.run(_LIGHT)
        self.browser.type(f"root{Keys.ENTER}")
        self.browser.until(lambda: self.browser.run(_LIGHT) != before, "typing changes nothing", 60)
        self.keep_picture("machine-screen")
        self.user.compute.stop_server(server.id)
        self.assertIn("The server is off", self.said())
        self.keep_picture("machine-off")

        self.browser.driver.get(url)
        self.assertIn("This link has expired", self.said())
        self.remove(server)


class TestContainer(Consoles, DockerTrouble):
    def configuration(self) -> str:
        return super().configuration() + _PROXIES

    def test_line(self) -> None:
        server = self.boot("typed", config_drive=True, admin_password=self.PASSWORD)
        self.open(server, "serial")
        self.log_in("typed")
        self.keep_picture("container-serial")
        self.user.compute.stop_server(server.id)
        self.assertIn("The server is off", self.said())
        self.user.compute.start_server(server.id)
        self.until_state(server, "ACTIVE")

        url = str(self.user.compute.create_console(server.id, "serial")["url"]).replace("ws://", "http://")
        self.kill_daemon()
        self.browser.driver.get(url)
        said = self.said()
        self.assertIn("The console cannot be reached", said)
        self.assertIn("does not answer", said)
        self.keep_picture("container-unreachable")
        self.start_daemon()
        self.until_state(server, "SHUTOFF")
        self.remove(server)
