# SPDX-License-Identifier: Apache-2.0
"""os-start, os-stop, reboot."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions.base import ANYTHING, Action, begin
from minicloud.api.v21.servers.lookup import Found
from minicloud.rpc.compute import ComputeStub

_RULE = "os_compute_api:servers"
_REBOOT = {
    "type": "object",
    "properties": {"type": {"enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}},
    "required": ["type"],
    "additionalProperties": False,
}


def start(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "start", "start", ComputeStub.start_instance)


def stop(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "stop", "stop", ComputeStub.stop_instance)


def reboot(call: ApiCall, found: Found, value: Any) -> None:
    kind = value["type"].upper()
    row = "reboot_hard" if kind == "HARD" else "reboot"
    begin(call, found, row, "reboot", lambda stub, ctxt, host, one: stub.reboot_instance(ctxt, host, one, kind))


ACTIONS = (
    Action("os-start", start, f"{_RULE}:start", ANYTHING),
    Action("os-stop", stop, f"{_RULE}:stop", ANYTHING),
    Action("reboot", reboot, f"{_RULE}:reboot", _REBOOT),
)
