# SPDX-License-Identifier: Apache-2.0
"""Consoles in a real browser, from the URL that the real client prints to what a guest answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any, ClassVar

from selenium.webdriver.common.keys import Keys

from minicloud import conf as configuration
from minicloud.consoles import pages
from tests.fixtures.browser import Browser, missing
from tests.functional.base import CloudTest
from tests.functional.cloud import Cloud, OneProcess, Options

#: Seconds that a link is good for in these tests.
TTL = 12


class ConsoleCloud(OneProcess):
    """With proxies at ports of their own."""

    def _base(self) -> Options:
        return {
            **super()._base(),
            "vnc": {"novncproxy_port": "0"},
            "serial_console": {"serialproxy_port": "0"},
            "consoleauth": {"token_ttl": str(TTL)},
            "console": {"check_interval": "0.5"},
        }


class ConsolePages(CloudTest):
    SHAPE: ClassVar[type[Cloud]] = ConsoleCloud

    def setUp(self) -> None:
        super().setUp()
        found = configuration.new(files=[])
        found.set_override("state_dir", str(self.cloud.folder))
        for library in (pages.novnc(found), pages.xterm(found)):
            if library.folder() is None:
                missing(self, f"{library.name} is not installed: npm install -g @novnc/novnc @xterm/xterm")
        self.browser = Browser(self)
        self.server_id = self.user.boot("consoles")
        self.user.until(self.server_id, "ACTIVE")

    def url(self, kind: str) -> str:
        """What ``openstack console url show`` says, for the test's user."""
        client = shutil.which("openstack", path=os.path.dirname(sys.executable)) or shutil.which("openstack")
        if client is None:
            missing(self, "no openstack client: install python-openstackclient")
        # A token, since the user's password is known to nobody any more.
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
            "OS_AUTH_TYPE": "v3token",
            "OS_AUTH_URL": f"{self.cloud.url}/identity/v3",
            "OS_TOKEN": str(self.user.token),
            "OS_PROJECT_ID": self.user.project_id,
            "no_proxy": "127.0.0.1",
        }
        command = [str(client), "console", "url", "show", f"--{kind}", self.server_id, "-f", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual("", "" if done.returncode == 0 else done.stderr)
        shown: dict[str, Any] = json.loads(done.stdout)
        return str(shown["url"])

    def open(self, url: str, state: str = "connected") -> None:
        self.browser.driver.get(url.replace("ws://", "http://"))
        self.until_state(state)

    def until_state(self, state: str) -> None:
        self.browser.until(
            lambda: self.browser.run("return document.body.dataset.state") == state, f"it is not {state}"
        )

    def said(self) -> str:
        """What the page says instead of a console."""
        self.until_state("ended")
        return str(self.browser.find("#message").text)

    def colours(self) -> int:
        """How many colours the screen has."""
        return int(
            self.browser.run(
                """
                const canvas = document.querySelector("#console canvas");
                const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                return new Set(new Uint32Array(data.buffer)).size;
                """
            )
        )

    def picture(self) -> str:
        return str(self.browser.run('return document.querySelector("#console canvas").toDataURL()'))

    def terminal(self) -> str:
        return str(self.browser.run('return document.querySelector(".xterm-rows").innerText')).replace("\xa0", " ")

    def test_a_screen(self) -> None:
        self.open(self.url("novnc"))
        self.browser.until(lambda: self.colours() > 1, "the screen is blank")
        self.assertIn("consoles", self.browser.driver.title)
        before = self.picture()
        self.browser.type("root")
        self.browser.until(lambda: self.picture() != before, "typing changes nothing")
        self.assertEqual([], self.browser.errors())
        self.browser.find("#ctrl-alt-del").click()
        self.browser.find("#toggle").click()
        self.assertIn("Disconnected", self.said())
        self.browser.find("#again").click()
        self.until_state("connected")

    def test_a_serial_line(self) -> None:
        self.open(self.url("serial"))
        self.browser.until(lambda: "login:" in self.terminal(), "there is no log-in")
        self.browser.type(f"root{Keys.ENTER}")
        self.browser.until(lambda: "\n#" in self.terminal(), "there is no prompt")
        self.browser.type(f"echo six times seven{Keys.ENTER}")
        self.browser.until(lambda: "\nsix times seven" in self.terminal(), "there is no answer")
        self.assertEqual([], self.browser.errors())

    def test_links_that_are_no_good(self) -> None:
        url = self.url("novnc")
        self.open(url + "bad", "ended")
        self.assertIn("expired", self.said())
        self.open(url)
        time.sleep(TTL)
        self.assertEqual("connected", self.browser.run("return document.body.dataset.state"))
        self.open(url, "ended")
        self.assertIn("This link has expired", self.said())
        self.assertIn("openstack console url show", self.said())

    def test_a_server_that_stops_and_one_that_goes(self) -> None:
        for kind, action in (("novnc", "stop"), ("serial", "delete")):
            self.open(self.url(kind))
            if action == "stop":
                self.user.act(self.server_id, "os-stop")
                self.assertIn("The server is off", self.said())
                self.user.until(self.server_id, "SHUTOFF")
                self.user.act(self.server_id, "os-start")
                self.user.until(self.server_id, "ACTIVE")
            else:
                self.user.delete(self.server_id)
                self.assertIn("The server is gone", self.said())
