# SPDX-License-Identifier: Apache-2.0
"""Quotas: limits, and what is used of them, counted."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.network.db import quotas as books
from minicloud.builtin.network.manager.base import Manager
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.conf.network import QUOTAS
from minicloud.web.operation import Call, Operation
from minicloud.web.validation import Schema

_LIMIT = {"type": ["integer", "string"], "pattern": "^-?[0-9]{1,9}$", "minimum": -1, "maximum": 2147483647}
#: Characters that the column has.
_LONGEST = 64
_BODY = Schema(
    {
        "type": "object",
        "properties": {
            "quota": {
                "type": "object",
                "properties": {
                    **dict.fromkeys(QUOTAS, _LIMIT),
                    "project_id": {"type": "string"},
                    "tenant_id": {"type": "string"},
                },
                "additionalProperties": False,
            }
        },
        "required": ["quota"],
        "additionalProperties": False,
    }
)


class QuotaHandlers:
    def __init__(self, managers: dict[str, Manager[Any]]) -> None:
        """
        :param managers: resource -> its manager, which can count
        """
        self.managers = managers

    def operations(self) -> tuple[Operation, ...]:
        one = "/v2.0/quotas/{project}"
        return (
            Operation("GET", "/v2.0/quotas", self.index, rule="update_quota"),
            Operation("GET", one, self.show),
            Operation("PUT", one, self.update, body=_BODY),
            Operation("DELETE", one, self.delete, status=204),
            Operation("GET", one + "/default", self.default),
            Operation("GET", one + "/details", self.details),
            Operation("GET", one + "/details.json", self.details),
        )

    def index(self, call: Call[Core]) -> dict[str, Any]:
        with call.app.reading(call.ctxt) as unit:
            projects = books.projects(unit.conn)
            return {"quotas": [{**_limits(unit, each), "project_id": each, "tenant_id": each} for each in projects]}

    def show(self, call: Call[Core], project: str) -> dict[str, Any]:
        _authorize(call, "get_quota", project)
        with call.app.reading(call.ctxt) as unit:
            return {"quota": {**_limits(unit, project), "project_id": project}}

    def default(self, call: Call[Core], project: str) -> dict[str, Any]:
        _authorize(call, "get_quota", project)
        return {"quota": {**_defaults(call.app), "project_id": project}}

    def details(self, call: Call[Core], project: str) -> dict[str, Any]:
        _authorize(call, "get_quota", project)
        with call.app.reading(call.ctxt) as unit:
            return {
                "quota": {
                    name: {
                        "limit": limit,
                        "used": self.managers[name].repository.count(unit.conn, project),
                        "reserved": 0,
                    }
                    for name, limit in _limits(unit, project).items()
                }
            }

    def update(self, call: Call[Core], project: str) -> dict[str, Any]:
        _authorize(call, "update_quota", project)
        if len(project) > _LONGEST:
            raise exception.BadRequest(f"A project's id has at most {_LONGEST} characters.")
        values = {name: int(value) for name, value in call.body["quota"].items() if name in QUOTAS}

        def work(unit: Unit) -> dict[str, int]:
            books.set_limits(unit.conn, project, values)
            return _limits(unit, project)

        return {"quota": call.app.run(call.ctxt, work)}

    def delete(self, call: Call[Core], project: str) -> None:
        _authorize(call, "delete_quota", project)
        call.app.run(call.ctxt, lambda unit: books.clear(unit.conn, project))


def _authorize(call: Call[Core], rule: str, project: str) -> None:
    call.authorize(rule, {"project_id": project})


def _defaults(core: Core) -> dict[str, int]:
    return {name: core.conf.network[f"quota_{name}"] for name in QUOTAS}


def _limits(unit: Unit, project: str) -> dict[str, int]:
    return {**_defaults(unit.core), **books.limits(unit.conn, project)}
