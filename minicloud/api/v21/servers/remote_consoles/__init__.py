# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/remote-consoles: URLs that open a console in a browser.

https://docs.openstack.org/api-ref/compute/#server-consoles-servers-remote-consoles
"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.actions import remote
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema

RULE: Final = "os_compute_api:os-remote-consoles"

_BODY: Final = Schema(
    {
        "type": "object",
        "properties": {
            "remote_console": {
                "type": "object",
                "properties": {
                    "protocol": {
                        "anyOf": [{"enum": ["vnc", "spice", "serial"]}, {"enum": ["mks"], "x-since": 8}],
                    },
                    "type": {
                        "anyOf": [
                            {"enum": ["novnc", "spice-html5", "serial"]},
                            {"enum": ["webmks"], "x-since": 8},
                            {"enum": ["spice-direct"], "x-since": 99},
                        ],
                    },
                },
                "required": ["protocol", "type"],
                "additionalProperties": False,
            }
        },
        "required": ["remote_console"],
        "additionalProperties": False,
    }
)


#: What each protocol has.
_TYPES: Final = {
    "vnc": ("novnc",),
    "serial": ("serial",),
    "spice": ("spice-html5", "spice-direct"),
    "mks": ("webmks",),
}


def create(call: ApiCall, server_id: str) -> dict[str, Any]:
    """
    :raises ConsoleTypeUnavailable: 400, for a type that the protocol does not have, or this cloud
    """
    found = lookup.find(call, server_id)
    call.authorize(RULE, found.target)
    asked = call.body["remote_console"]
    protocol, console_type = asked["protocol"], asked["type"]
    if console_type not in _TYPES[protocol]:
        raise exception.ConsoleTypeUnavailable(console_type=console_type)
    url = remote.open_console(call, found, console_type)
    return {"remote_console": {"protocol": protocol, "type": console_type, "url": url}}


OPERATIONS = (Operation("POST", "/servers/{server_id}/remote-consoles", create, body=_BODY, since=6),)
