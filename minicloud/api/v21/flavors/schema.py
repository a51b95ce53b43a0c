# SPDX-License-Identifier: Apache-2.0
"""What requests about flavors look like."""

from __future__ import annotations

from minicloud.web.paging import PAGING
from minicloud.web.validation import Schema, query, whole

#: Text of a number above nought.
POSITIVE = r"^(?!0+(\.0+)?$)[0-9]+(\.[0-9]+)?$"
NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
DESCRIPTION = {"type": ["string", "null"], "minLength": 0, "maxLength": 65535}
BOOLEAN = {
    "type": ["boolean", "string"],
    "enum": [True, False, "True", "False", "true", "false", "1", "0", "on", "off", "yes", "no"],
}
SPEC_KEY = "^[a-zA-Z0-9-_:. ]{1,255}$"
SPEC_VALUE = {"type": ["string", "number"], "maxLength": 255}

CREATE = Schema(
    {
        "type": "object",
        "properties": {
            "flavor": {
                "type": "object",
                "properties": {
                    "name": NAME,
                    "id": {
                        "type": ["string", "number", "null"],
                        "minLength": 1,
                        "maxLength": 255,
                        "pattern": "^(?! )[a-zA-Z0-9. _-]*(?<! )$",
                    },
                    "ram": whole(1),
                    "vcpus": whole(1),
                    "disk": whole(0),
                    "OS-FLV-EXT-DATA:ephemeral": whole(0),
                    "swap": whole(0),
                    "rxtx_factor": {
                        "type": ["number", "string"],
                        "pattern": POSITIVE,
                        "maxLength": 19,
                        "exclusiveMinimum": 0,
                        "maximum": 3.4e38,
                    },
                    "os-flavor-access:is_public": BOOLEAN,
                    "description": {**DESCRIPTION, "x-since": 55},
                },
                "required": ["name", "ram", "vcpus", "disk"],
                "additionalProperties": False,
            }
        },
        "required": ["flavor"],
        "additionalProperties": False,
    }
)

UPDATE = Schema(
    {
        "type": "object",
        "properties": {
            "flavor": {
                "type": "object",
                "properties": {"description": DESCRIPTION},
                "required": ["description"],
                "additionalProperties": False,
            }
        },
        "required": ["flavor"],
        "additionalProperties": False,
    }
)

_LIST = {
    **PAGING,
    "is_public": {"type": "string", "maxLength": 20},
    "minRam": {"type": "string", "maxLength": 20},
    "minDisk": {"type": "string", "maxLength": 20},
    "sort_key": {
        "type": "string",
        "enum": [
            "created_at",
            "description",
            "disabled",
            "ephemeral_gb",
            "flavorid",
            "id",
            "is_public",
            "memory_mb",
            "name",
            "root_gb",
            "rxtx_factor",
            "swap",
            "updated_at",
            "vcpus",
            "vcpu_weight",
        ],
    },
    "sort_dir": {"type": "string", "maxLength": 10},
    "name": {"type": "string", "maxLength": 255, "x-since": 102},
}
LIST = query(_LIST)
SHOW = query({})

_SPECS = {
    "type": "object",
    "patternProperties": {SPEC_KEY: SPEC_VALUE},
    "additionalProperties": False,
}
SPECS_CREATE = Schema(
    {
        "type": "object",
        "properties": {"extra_specs": {**_SPECS, "minProperties": 1}},
        "required": ["extra_specs"],
        "additionalProperties": False,
    }
)
SPECS_UPDATE = Schema({**_SPECS, "minProperties": 1, "maxProperties": 1})

_PROJECT = {
    "type": "object",
    "properties": {"tenant": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-]+$"}},
    "required": ["tenant"],
    "additionalProperties": False,
}
ACTION = Schema(
    {
        "type": "object",
        "properties": {"addTenantAccess": _PROJECT, "removeTenantAccess": _PROJECT},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
)
