# SPDX-License-Identifier: Apache-2.0
"""URLs of consoles, the tokens in them, and what ends those."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from minicloud import exception
from minicloud.api.v21 import console_tokens as tokens_api
from minicloud.api.v21 import servers
from minicloud.db.cell import console_tokens, instances
from minicloud.objects import ConsoleAddress
from minicloud.web.moments import now
from tests.unit.api.servers.base import ServersTest


class ConsolesTest(ServersTest):
    operations = (*servers.OPERATIONS, *tokens_api.OPERATIONS)
    rules = (*servers.RULES, *tokens_api.RULES)

    def setUp(self) -> None:
        super().setUp()
        self.cells.sent.answers["get_console"] = ConsoleAddress(host="10.0.0.7", port=5901)

    def ask(self, server_id: str, kind: str = "novnc", protocol: str = "vnc", **options: Any) -> str:
        body = {"remote_console": {"protocol": protocol, "type": kind}}
        answer = self.ok("POST", f"/servers/{server_id}/remote-consoles", body, version=6, **options)
        shown = answer["remote_console"]
        self.assertEqual((protocol, kind), (shown["protocol"], shown["type"]))
        return str(shown["url"])

    def refuse(self, code: int, server_id: str, protocol: str, kind: str, **options: Any) -> str:
        body = {"remote_console": {"protocol": protocol, "type": kind}}
        options.setdefault("version", 99)
        return self.refused(code, "POST", f"/servers/{server_id}/remote-consoles", body, **options)

    def token(self, server_id: str) -> str:
        return self.ask(server_id, "serial", "serial").partition("token=")[2]

    def show(self, token: str, version: int = 31) -> Any:
        return self.ok("GET", f"/os-console-auth-tokens/{token}", version=version, token="admin")["console"]

    def gone(self, token: str) -> None:
        self.refused(404, "GET", f"/os-console-auth-tokens/{token}", version=31, token="admin")


class Urls(ConsolesTest):
    def test_the_screen(self) -> None:
        server_id = self.active()
        url = urlsplit(self.ask(server_id))
        self.assertEqual("http://127.0.0.1:6080/vnc_auto.html", f"{url.scheme}://{url.netloc}{url.path}")
        (path,) = parse_qs(url.query)["path"]
        self.assertEqual("novnc", self.cells.sent.messages[-1][-1])
        self.assertEqual(server_id, self.show(path.removeprefix("?token="))["instance_uuid"])

    def test_the_serial_line(self) -> None:
        self.conf.set_override("serialproxy_host", "0.0.0.0", group="serial_console")
        self.conf.set_override("serialproxy_port", 7000, group="serial_console")
        self.assertIn("ws://127.0.0.1:7000/?token=", self.ask(self.active(), "serial", "serial"))

    def test_operators_say_where_the_proxies_are(self) -> None:
        self.conf.set_override("novncproxy_base_url", "https://c.example.org/vnc_lite.html", group="vnc")
        self.conf.set_override("base_url", "wss://c.example.org:6083/", group="serial_console")
        server_id = self.active()
        self.assertTrue(self.ask(server_id).startswith("https://c.example.org/vnc_lite.html?path=%3Ftoken%3D"))
        self.assertTrue(self.ask(server_id, "serial", "serial").startswith("wss://c.example.org:6083/?token="))

    def test_as_actions_before_2_6(self) -> None:
        server_id = self.active()
        for key, kind in (("VNC", "novnc"), ("Serial", "serial")):
            body = {f"os-get{key}Console": {"type": kind}}
            answer = self.ok("POST", f"/servers/{server_id}/action", body)
            self.assertEqual({"type", "url"}, set(answer["console"]))
            self.assertIn("token", answer["console"]["url"])
            self.refused(404, "POST", f"/servers/{server_id}/action", body, version=6)
        self.refused(
            404, "POST", f"/servers/{server_id}/remote-consoles", {"remote_console": {"protocol": "vnc"}}, version=5
        )

    def test_what_no_driver_has(self) -> None:
        server_id = self.active()
        for protocol, kind in (("spice", "spice-html5"), ("spice", "spice-direct"), ("mks", "webmks")):
            self.assertEqual(f"Unavailable console type {kind}.", self.refuse(400, server_id, protocol, kind))
        self.refuse(400, server_id, "vnc", "serial")
        self.assertIn("type", self.refuse(400, server_id, "vnc", "nonsense"))
        self.refuse(400, server_id, "mks", "webmks", version=7)
        for key, kind in (("SPICE", "spice-html5"), ("VNC", "xvpvnc")):
            body = {f"os-get{key}Console": {"type": kind}}
            self.refused(400, "POST", f"/servers/{server_id}/action", body)
        self.assertEqual([], self.cells.sent.methods)

    def test_what_the_host_says(self) -> None:
        server_id = self.active()
        for error, code in (
            (exception.ConsoleTypeUnavailable(console_type="novnc"), 400),
            (exception.ConsoleNotAvailable(instance_uuid=server_id, reason="it is off"), 409),
            (exception.GuestNotFound(instance_uuid=server_id), 409),
            (exception.NotSupported(what="VNC consoles"), 501),
        ):
            self.cells.sent.answers["get_console"] = error
            self.refuse(code, server_id, "vnc", "novnc")

    def test_who_may_and_when(self) -> None:
        server_id = self.active()
        self.refuse(404, server_id, "vnc", "novnc", token="other")
        self.refuse(403, server_id, "vnc", "novnc", token="reader")
        self.refuse(404, "11111111-2222-3333-4444-555555555555", "vnc", "novnc")
        self.refuse(409, self.boot(), "vnc", "novnc")


class Tokens(ConsolesTest):
    def test_what_it_stands_for(self) -> None:
        server_id = self.active()
        token = self.token(server_id)
        wanted = {"instance_uuid": server_id, "host": "10.0.0.7", "port": 5901, "internal_access_path": None}
        self.assertEqual(wanted, self.show(token))
        self.assertEqual({**wanted, "tls_port": None}, self.show(token, version=99))
        self.refused(400, "GET", f"/os-console-auth-tokens/{token}", version=30, token="admin")
        self.refused(403, "GET", f"/os-console-auth-tokens/{token}", version=31)
        self.gone("bad" + token)

    def test_only_its_hash_is_kept(self) -> None:
        token = self.token(self.active())
        with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
            rows = conn.exec_driver_sql("SELECT * FROM console_auth_tokens").all()
        self.assertEqual(1, len(rows))
        self.assertNotIn(token, str(rows))

    def test_it_expires(self) -> None:
        token = self.token(self.active())
        db = self.cells.get(self.cell_uuids[1]).db
        with db.writer() as conn:
            self.assertEqual(0, console_tokens.clean(conn, now()))
            self.assertIsNotNone(console_tokens.find(conn, token, now() + timedelta(seconds=590)))
            self.assertIsNone(console_tokens.find(conn, token, now() + timedelta(seconds=601)))
            self.assertEqual(1, console_tokens.clean(conn, now() + timedelta(seconds=601)))
        self.gone(token)

    def test_it_ends_when_the_server_stops_moves_or_goes(self) -> None:
        for changes in ({"vm_state": "stopped"}, {"vm_state": "shelved"}, {"host": "host2"}, None):
            server_id = self.active()
            token = self.token(server_id)
            self.show(token)
            with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
                if changes is None:
                    instances.destroy(conn, server_id, now())
                else:
                    instances.update(conn, server_id, now(), **changes)
            self.gone(token)

    def test_it_lives_on_while_the_server_is_renamed_paused_or_busy(self) -> None:
        server_id = self.active()
        token = self.token(server_id)
        for changes in ({"display_name": "new"}, {"vm_state": "paused"}, {"task_state": "rebooting"}):
            with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
                instances.update(conn, server_id, now(), **changes)
            self.show(token)
