# SPDX-License-Identifier: Apache-2.0
"""The modules for WSGI servers, each in a process of its own as a server would have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.unit.cmd.test_manage import ManageCase

ROOT = Path(__file__).parents[3]


class WsgiTest(ManageCase):
    def setUp(self) -> None:
        super().setUp()
        self.files = [self.file, self.folder / "two.conf"]
        # Nothing here talks to it: a broker is needed only once there is something to say.
        self.files[1].write_text("[DEFAULT]\ntransport_url = rabbit://nobody@127.0.0.1:1/\n")

    def start(self, module: str, *files: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.wsgi.server", f"minicloud.wsgi.{module}"],
            cwd=ROOT,
            env={**os.environ, "MINICLOUD_CONFIG_FILES": os.pathsep.join(map(str, files))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def serve(self, module: str, *files: Path) -> str:
        """:returns: where it listens"""
        process = self.start(module, *files)
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if line.strip().isdigit():
                return f"http://127.0.0.1:{line.strip()}"
        raise AssertionError(process.stderr.read())

    def ask(self, url: str, body: Any = None, token: str = "") -> tuple[int, Any, Any]:
        """:returns: status, headers and JSON"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json", "X-Auth-Token": token})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.load(error)

    def test_all_on_one_port(self) -> None:
        self.ok("bootstrap", "--config-file", str(self.files[1]))
        url = self.serve("all", *self.files)
        password = json.loads((self.folder / "passwords.json").read_text())["admin"]
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
            }
        }
        status, headers, _ = self.ask(f"{url}/identity/v3/auth/tokens", body)
        self.assertEqual(201, status)
        token = headers["X-Subject-Token"]
        self.assertEqual(401, self.ask(f"{url}/compute/v2.1/flavors")[0])
        for path, name in (
            ("/compute/v2.1/flavors", "flavors"),
            ("/image/v2/images", "images"),
            ("/network/v2.0/networks", "networks"),
        ):
            status, _, answer = self.ask(url + path, token=token)
            self.assertEqual(200, status, answer)
            self.assertNotEqual([], answer[name])

    def test_one_alone(self) -> None:
        self.ok("bootstrap")
        status, _, answer = self.ask(self.serve("identity", self.files[0]) + "/v3")
        self.assertEqual((200, "stable"), (status, answer["version"]["status"]))

    def test_compute_needs_others_to_talk_to(self) -> None:
        process = self.start("compute", self.files[0])
        _, err = process.communicate(timeout=60)
        self.assertNotEqual(0, process.returncode)
        self.assertIn("Give them a broker", err)
        status, _, answer = self.ask(self.serve("compute", *self.files) + "/")
        self.assertEqual((200, "v2.0"), (status, answer["versions"][0]["id"]))
