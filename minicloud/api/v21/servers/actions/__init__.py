# SPDX-License-Identifier: Apache-2.0
"""POST /servers/{id}/action: one table of keys, each a row like an operation's."""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.actions import (
    admin,
    console,
    guards,
    later,
    lock,
    moves,
    pause,
    power,
    rebuild,
    rescue,
    resize,
    snapshot,
)
from minicloud.api.v21.servers.actions.base import Action
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema

__all__ = ["ACTIONS", "OPERATIONS", "Action"]

#: Every action, family by family.
ACTIONS: Final[tuple[Action, ...]] = (
    *power.ACTIONS,
    *pause.ACTIONS,
    *lock.ACTIONS,
    *admin.ACTIONS,
    *console.ACTIONS,
    *rebuild.ACTIONS,
    *snapshot.ACTIONS,
    *rescue.ACTIONS,
    *resize.ACTIONS,
    *moves.ACTIONS,
    *guards.ACTIONS,
    *later.ACTIONS,
)

#: Key -> its rows with their schemas.
_BY_KEY: Final[dict[str, list[tuple[Action, Schema]]]] = {}
for _action in ACTIONS:
    _BY_KEY.setdefault(_action.key, []).append((_action, _action.schema()))

#: Which action it is says the only key; its own schema checks the rest.
_BODY: Final = Schema({"type": "object", "minProperties": 1, "maxProperties": 1})


def act(call: ApiCall, server_id: str) -> Any:
    """POST /servers/{id}/action"""
    (key,) = call.body
    action, schema = _find(key, call.version)
    schema.validate(call.body, call.version)
    found = lookup.find(call, server_id)
    if action.rule is not None:
        call.authorize(action.rule, found.target)
    if action.heeds_lock:
        lookup.check_lock(call, found.instance)
    call.status = action.status
    return action.handler(call, found, call.body[key])


def _find(key: str, version: int) -> tuple[Action, Schema]:
    """
    :raises BadRequest: for an unknown key
    :raises VersionNotFoundForAPIMethod: 404, for one that this microversion does not have
    """
    rows = _BY_KEY.get(key)
    if rows is None:
        raise exception.BadRequest(f"There is no such action: {key[:80]}")
    for action, schema in rows:
        if action.since <= version and (action.until is None or version <= action.until):
            return action, schema
    raise exception.VersionNotFoundForAPIMethod(version=f"2.{version}")


OPERATIONS = (Operation("POST", "/servers/{server_id}/action", act, body=_BODY, status=202),)
