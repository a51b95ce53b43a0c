# SPDX-License-Identifier: Apache-2.0
"""POST /os-server-external-events: what is passed on, and what is answered for each event."""

from __future__ import annotations

from typing import Any

from minicloud.api.v21 import external_events, servers
from tests.unit.api.servers.base import NETWORK, ServersTest


class Events(ServersTest):
    operations = (*servers.OPERATIONS, *external_events.OPERATIONS)
    rules = (*servers.RULES, *external_events.RULES)

    def post(self, code: int, *events: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        options = {"token": "admin", **options}
        found: list[dict[str, Any]] = self.ok(
            "POST", "/os-server-external-events", {"events": list(events)}, code=code, **options
        )["events"]
        return found

    def refuse(self, code: int, *events: dict[str, Any], **options: Any) -> str:
        options = {"token": "admin", **options}
        return self.refused(code, "POST", "/os-server-external-events", {"events": list(events)}, **options)

    def test_passed_on(self) -> None:
        server_id = self.active()
        event = {"name": "network-changed", "server_uuid": server_id, "tag": "port"}
        (answer,) = self.post(200, event)
        self.assertEqual({**event, "status": "completed", "code": 200}, answer)
        method, _, (told,) = self.scheduler.messages[-1]
        self.assertEqual(("external_events", server_id, "port"), (method, told.server_uuid, told.tag))

    def test_each_is_answered_for_itself(self) -> None:
        here, waiting, nobody = self.active(), self.boot(), NETWORK
        found = self.post(207, *({"name": "network-changed", "server_uuid": one} for one in (here, waiting, nobody)))
        self.assertEqual(
            [(200, "completed"), (422, "failed"), (404, "failed")], [(one["code"], one["status"]) for one in found]
        )
        self.assertEqual([here], [one.server_uuid for one in self.scheduler.messages[-1][2]])

    def test_what_is_refused(self) -> None:
        server_id = self.active()
        before = len(self.scheduler.messages)
        self.refuse(404, {"name": "network-changed", "server_uuid": NETWORK})
        self.refuse(400, {"name": "network-changed", "server_uuid": "x"})
        self.refuse(400, {"name": "nonsense", "server_uuid": server_id})
        self.refuse(400, {"name": "power-update", "server_uuid": server_id, "tag": "POWER_OFF"}, version=75)
        self.post(200, {"name": "power-update", "server_uuid": server_id, "tag": "POWER_OFF"}, version=76)
        self.refuse(400)
        self.refuse(403, {"name": "network-changed", "server_uuid": server_id}, token="member")
        self.assertEqual(before + 1, len(self.scheduler.messages))
