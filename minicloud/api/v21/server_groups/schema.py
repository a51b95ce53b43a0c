# SPDX-License-Identifier: Apache-2.0
"""What requests about server groups look like."""

from __future__ import annotations

from typing import Any

from minicloud.web.paging import LIMIT
from minicloud.web.validation import Schema, query, whole

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
HARD = ["affinity", "anti-affinity"]
SOFT = ["soft-affinity", "soft-anti-affinity"]


def _create(properties: dict[str, Any], required: list[str]) -> Schema:
    return Schema(
        {
            "type": "object",
            "properties": {
                "server_group": {
                    "type": "object",
                    "properties": {"name": _NAME, **properties},
                    "required": ["name", *required],
                    "additionalProperties": False,
                }
            },
            "required": ["server_group"],
            "additionalProperties": False,
        }
    )


def _policies(allowed: list[str]) -> Schema:
    one = {"type": "array", "items": {"type": "string", "enum": allowed}, "minItems": 1, "maxItems": 1}
    return _create({"policies": one}, ["policies"])


CREATE_1 = _policies(HARD)
CREATE_15 = _policies([*HARD, *SOFT])
CREATE_64 = _create(
    {
        "policy": {"type": "string", "enum": [*HARD, *SOFT]},
        "rules": {
            "type": "object",
            "properties": {"max_server_per_host": whole(1)},
            "additionalProperties": False,
        },
    },
    ["policy"],
)

LIST = query({"all_projects": {"type": "string", "maxLength": 255}, "limit": LIMIT, "offset": LIMIT})
