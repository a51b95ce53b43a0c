# SPDX-License-Identifier: Apache-2.0
"""What requests about key pairs look like."""

from __future__ import annotations

from typing import Any

from minicloud.web.paging import PAGING
from minicloud.web.validation import Schema, query

_USER = {"type": "string", "maxLength": 255}


def _create(name_pattern: str, *, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "keypair": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": name_pattern},
                    "type": {"type": "string", "enum": ["ssh", "x509"], "x-since": 2},
                    "public_key": {"type": "string", "maxLength": 65535},
                    "user_id": {**_USER, "x-since": 10},
                },
                "required": required,
                "additionalProperties": False,
            }
        },
        "required": ["keypair"],
        "additionalProperties": False,
    }


#: Nova's characters of a name; no blank at either end.
CREATE = Schema(_create("^(?! )[a-zA-Z0-9 _-]+(?<! )$", required=["name"]))
CREATE_92 = Schema(_create("^(?! )[a-zA-Z0-9 _@.-]+(?<! )$", required=["name", "public_key"]))

LIST = query({"user_id": {**_USER, "x-since": 10}, **{key: {**form, "x-since": 35} for key, form in PAGING.items()}})
SHOW = query({"user_id": {**_USER, "x-since": 10}})
