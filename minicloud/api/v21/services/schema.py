# SPDX-License-Identifier: Apache-2.0
"""What requests about services look like."""

from __future__ import annotations

from typing import Any

from minicloud.web.validation import Schema, query

_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_REASON = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
_BOOLEAN: dict[str, Any] = {"type": ["boolean", "string"], "enum": [True, False, "true", "false", "True", "False"]}


def _body(properties: dict[str, Any], required: list[str] | None = None, **more: Any) -> Schema:
    return Schema(
        {
            "type": "object",
            "properties": properties,
            "required": required or [],
            "additionalProperties": False,
            **more,
        }
    )


_WHICH = {"host": {**_NAME, "pattern": "^[a-zA-Z0-9-._]*$"}, "binary": _NAME}

#: Up to 2.52: the verb is in the URL.
LEGACY = _body({**_WHICH, "disabled_reason": _REASON, "forced_down": {**_BOOLEAN, "x-since": 11}}, ["host", "binary"])
#: From 2.53: the service is in the URL.
UPDATE = _body(
    {
        "status": {"type": "string", "enum": ["enabled", "disabled"]},
        "disabled_reason": _REASON,
        "forced_down": _BOOLEAN,
    },
    minProperties=1,
)
LIST = query({"host": {"type": "string"}, "binary": {"type": "string"}})
