# SPDX-License-Identifier: Apache-2.0
"""What requests about aggregates look like."""

from __future__ import annotations

from typing import Any

from minicloud.web.validation import Schema

#: No blank at either end.
_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^(?!\s)[^\x00-\x1f]*(?<!\s)$"}
#: A colon would be read as zone:host in POST /servers.
_ZONE = {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": r"^(?!\s)[^\x00-\x1f:]*(?<!\s)$"}


def _wrapped(key: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            key: {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
                **more,
            }
        },
        "required": [key],
        "additionalProperties": False,
    }


_AGGREGATE = {"name": _NAME, "availability_zone": _ZONE}
CREATE = Schema(_wrapped("aggregate", _AGGREGATE, ["name"]))
UPDATE = Schema(_wrapped("aggregate", _AGGREGATE, [], minProperties=1))

_HOST = {"host": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-._]*$"}}
_METADATA = {
    "metadata": {
        "type": "object",
        "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "null"], "maxLength": 255}},
        "additionalProperties": False,
        "minProperties": 1,
    }
}

#: One of three verbs.
ACTION = Schema(
    {
        "type": "object",
        "properties": {
            "add_host": _wrapped("add_host", _HOST, ["host"])["properties"]["add_host"],
            "remove_host": _wrapped("remove_host", _HOST, ["host"])["properties"]["remove_host"],
            "set_metadata": _wrapped("set_metadata", _METADATA, ["metadata"])["properties"]["set_metadata"],
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
)
