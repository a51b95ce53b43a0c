# SPDX-License-Identifier: Apache-2.0
"""os-getConsoleOutput: what the guest wrote to its console; and URLs of consoles, before 2.6."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions import remote
from minicloud.api.v21.servers.actions.base import Action, host_of
from minicloud.api.v21.servers.lookup import Found
from minicloud.states import VM

_OUTPUT = {
    "type": ["object", "null"],
    "properties": {
        "length": {
            "type": ["integer", "string", "null"],
            "pattern": "^-?[0-9]+$",
            "minimum": -1,
            "maximum": 999999999,
            "maxLength": 9,
        }
    },
    "additionalProperties": False,
}


def get_output(call: ApiCall, found: Found, value: Any) -> dict[str, str]:
    """The last ``length`` lines; all without one, and with -1."""
    length = (value or {}).get("length")
    lines = None if length is None or int(length) < 0 else int(length)
    instance = found.instance
    if instance.vm_state == VM.BUILDING:
        raise exception.InstanceInvalidState(
            method="get_console_output", instance_uuid=instance.uuid, attr="vm_state", state=instance.vm_state
        )
    host = host_of(call, found)
    compute = found.home.compute
    assert compute is not None
    try:
        return {"output": compute.get_console_output(call.ctxt, host, instance, lines)}
    except exception.GuestNotFound as error:
        raise exception.Conflict(error.message) from None


def _kind(*kinds: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"type": {"enum": list(kinds)}},
        "required": ["type"],
        "additionalProperties": False,
    }


def get_console(call: ApiCall, found: Found, value: Any) -> dict[str, Any]:
    """What /servers/{id}/remote-consoles is from 2.6 on."""
    console_type = value["type"]
    return {"console": {"type": console_type, "url": remote.open_console(call, found, console_type)}}


_REMOTE = "os_compute_api:os-remote-consoles"

ACTIONS = (
    Action("os-getConsoleOutput", get_output, "os_compute_api:os-console-output", _OUTPUT, status=200),
    Action("os-getVNCConsole", get_console, _REMOTE, _kind("novnc", "xvpvnc"), status=200, until=5),
    Action("os-getSPICEConsole", get_console, _REMOTE, _kind("spice-html5"), status=200, until=5),
    Action("os-getSerialConsole", get_console, _REMOTE, _kind("serial"), status=200, until=5),
)
