# SPDX-License-Identifier: Apache-2.0
"""A proxy before a cell with a server, whose console is a socket of the test."""

from __future__ import annotations

import socket
import uuid
from datetime import timedelta
from typing import Any

from minicloud.consoles.service import TERMINALS, ProxyService
from minicloud.db.cell import console_tokens, instances
from minicloud.objects import ConsoleAddress, ConsoleToken
from minicloud.web.moments import now
from tests.fixtures.websocket import Browser
from tests.unit.api.servers.base import ServersTest


class ProxyTest(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("check_interval", 0.1, group="console")
        self.guest = socket.create_server(("127.0.0.1", 0))
        self.guest.settimeout(10)
        self.addCleanup(self.guest.close)
        self.console_at = ConsoleAddress(host="127.0.0.1", port=self.guest.getsockname()[1])
        self.cells.sent.answers["get_console"] = self.console_at
        self.proxy = self.start()
        self.server_id = self.active()

    def start(self, kind: Any = TERMINALS, port: int = 0, **options: Any) -> ProxyService:
        self.conf.set_override(kind.port, port, group=kind.group)
        proxy = ProxyService(self.conf, self.cells, kind, **options)
        proxy.start()
        self.addCleanup(proxy.stop)
        return proxy

    @property
    def port(self) -> int:
        return int(self.conf.serial_console.serialproxy_port)

    def grant(self, seconds: float = 600, **values: Any) -> str:
        token = str(uuid.uuid4())
        made = ConsoleToken(
            token_hash=console_tokens.hashed(token),
            instance_uuid=self.server_id,
            console_type="serial",
            compute_host="host1",
            host=self.console_at.host,
            port=self.console_at.port,
            expires_at=now() + timedelta(seconds=seconds),
        )
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            console_tokens.create(conn, made.replace(**values), now())
        return token

    def change(self, **changes: Any) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.update(conn, self.server_id, now(), **changes)

    def browse(self, token: str, **headers: str) -> Browser:
        browser = Browser(self.port, f"/?token={token}", **headers)
        self.addCleanup(browser.line.close)
        return browser

    def opened(self) -> tuple[Browser, socket.socket]:
        """A browser and the guest's end of its console."""
        browser = self.browse(self.grant())
        self.assertTrue(browser.is_open)
        line, _ = self.guest.accept()
        line.settimeout(10)
        self.addCleanup(line.close)
        return browser, line
