# SPDX-License-Identifier: Apache-2.0
"""Actions that this release does not have yet (501), and those that Nova has given up (410)."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions.base import ANYTHING, Action
from minicloud.api.v21.servers.lookup import Found

#: (key, first microversion, last one)
_NOT_YET: tuple[tuple[str, int, int | None], ...] = (
    ("addFixedIp", 1, 43),
    ("removeFixedIp", 1, 43),
    ("addFloatingIp", 1, 43),
    ("removeFloatingIp", 1, 43),
    ("injectNetworkInfo", 1, None),
    ("trigger_crash_dump", 17, None),
)


def not_yet(call: ApiCall, _found: Found, _value: Any) -> None:
    (key,) = call.body
    raise exception.NotSupported(f"The action {key} is not available in this release.")


def gone(_call: ApiCall, _found: Found, _value: Any) -> None:
    raise exception.Gone()


ACTIONS = (
    *(Action(key, not_yet, None, ANYTHING, since=since, until=until) for key, since, until in _NOT_YET),
    Action("resetNetwork", gone, None, ANYTHING, heeds_lock=False),
    Action("os-getRDPConsole", gone, None, ANYTHING, until=5, heeds_lock=False),
)
