# SPDX-License-Identifier: Apache-2.0
"""What routers do beside being made and changed: interfaces and extra routes."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.network.api.handlers import Handlers
from minicloud.builtin.network.api.resource import ID, ROUTES, optional
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.builtin.network.manager.routers import RouterManager
from minicloud.web.operation import Call, Operation
from minicloud.web.validation import Schema

_INTERFACE = Schema(
    {
        "type": "object",
        "properties": {"subnet_id": optional(ID), "port_id": optional(ID)},
        "additionalProperties": False,
    }
)
_EXTRA = Schema(
    {
        "type": "object",
        "properties": {
            "router": {
                "type": "object",
                "properties": {"routes": ROUTES},
                "required": ["routes"],
                "additionalProperties": False,
            }
        },
        "required": ["router"],
        "additionalProperties": False,
    }
)


class RouterActions:
    def __init__(self, manager: RouterManager, handlers: Handlers) -> None:
        self.manager = manager
        self.handlers = handlers

    def operations(self) -> tuple[Operation, ...]:
        one = "/v2.0/routers/{key}"
        return (
            Operation("PUT", one + "/add_router_interface", self.add_interface, body=_INTERFACE),
            Operation("PUT", one + "/remove_router_interface", self.remove_interface, body=_INTERFACE),
            Operation("PUT", one + "/add_extraroutes", self.add_routes, body=_EXTRA),
            Operation("PUT", one + "/remove_extraroutes", self.remove_routes, body=_EXTRA),
        )

    def add_interface(self, call: Call[Core], key: str) -> dict[str, Any]:
        def work(unit: Unit) -> dict[str, Any]:
            router = self.manager.repository.get(unit.conn, key, unit.viewer)
            call.authorize("add_router_interface", {"project_id": router.project_id})
            return self.manager.add_interface(unit, router, call.body)

        return call.app.run(call.ctxt, work)

    def remove_interface(self, call: Call[Core], key: str) -> dict[str, Any]:
        def work(unit: Unit) -> dict[str, Any]:
            router = self.manager.repository.get(unit.conn, key, unit.viewer)
            call.authorize("remove_router_interface", {"project_id": router.project_id})
            return self.manager.remove_interface(unit, router, call.body)

        return call.app.run(call.ctxt, work)

    def add_routes(self, call: Call[Core], key: str) -> dict[str, Any]:
        return self._routes(call, key, add=True)

    def remove_routes(self, call: Call[Core], key: str) -> dict[str, Any]:
        return self._routes(call, key, add=False)

    def _routes(self, call: Call[Core], key: str, *, add: bool) -> dict[str, Any]:
        def work(unit: Unit) -> dict[str, Any]:
            router = self.manager.repository.get(unit.conn, key, unit.viewer)
            call.authorize(f"{'add' if add else 'remove'}_extraroutes", {"project_id": router.project_id})
            changed = self.manager.change_routes(unit, router, call.body["router"]["routes"], add=add)
            return {"router": self.handlers.render(call, unit, [changed], None)[0]}

        return call.app.run(call.ctxt, work)
