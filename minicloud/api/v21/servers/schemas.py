# SPDX-License-Identifier: Apache-2.0
"""What POST and PUT /servers may say, as JSON Schema with windows of microversions."""

from __future__ import annotations

from typing import Any, Final

from minicloud.web.validation import Schema

Json = dict[str, Any]

#: Printable, not blank, no white space around it.
NAME: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "format": "name",
    "pattern": r"^\S(.*\S)?$",
}
DESCRIPTION: Final[Json] = {"type": ["string", "null"], "maxLength": 255, "pattern": r"^[^\x00-\x08\x0b-\x1f]*$"}
UUID: Final[Json] = {"type": "string", "format": "uuid"}
BOOLEAN: Final[Json] = {
    "enum": [
        True,
        False,
        *(
            form(word)
            for word in ("true", "false", "on", "off", "yes", "no", "y", "n", "t", "f")
            for form in (str, str.upper, str.title)
        ),
        "1",
        "0",
    ]
}
#: A whole number, also as text.
COUNT: Final[Json] = {"type": ["integer", "string"], "pattern": "^0*[1-9][0-9]*$", "minimum": 1, "maxLength": 9}
HOSTNAME: Final[Json] = {
    "anyOf": [
        {"type": "string", "pattern": r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$", "minLength": 1, "maxLength": 63},
        {
            "type": "string",
            "pattern": r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$",
            "minLength": 1,
            "maxLength": 255,
            "x-since": 94,
        },
    ]
}
METADATA_KEY: Final = r"^[a-zA-Z0-9-_:. ]{1,255}$"
METADATA: Final[Json] = {
    "type": "object",
    "patternProperties": {METADATA_KEY: {"type": "string", "maxLength": 255}},
    "additionalProperties": False,
}
TAG: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": r"^[^,/]*$"}
TAGS: Final[Json] = {"type": "array", "items": TAG, "maxItems": 50, "uniqueItems": True}
CERTIFICATES: Final[Json] = {
    "type": ["array", "null"],
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
}
DISK_CONFIG: Final[Json] = {"enum": ["AUTO", "MANUAL"]}
ACCESS_V4: Final[Json] = {"type": "string", "anyOf": [{"format": "ipv4"}, {"enum": [""]}]}
ACCESS_V6: Final[Json] = {"type": "string", "anyOf": [{"format": "ipv6"}, {"enum": [""]}]}
ZONE: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 255}
#: The device tag, which two microversions forgot.
DEVICE_TAG: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": r"^[^,/]*$", "x-since": 32}

#: Files to be put into the guest.
PERSONALITY: Final[Json] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1},
            "contents": {"type": "string", "format": "base64"},
        },
        "required": ["path", "contents"],
        "additionalProperties": False,
    },
    "x-until": 56,
}

_NETWORKS: Final[Json] = {
    "anyOf": [
        {
            "type": "array",
            "maxItems": 64,
            "items": {
                "type": "object",
                "properties": {
                    "uuid": UUID,
                    "port": {"anyOf": [UUID, {"type": "null"}]},
                    "fixed_ip": {"type": "string", "format": "ip"},
                    "tag": {**DEVICE_TAG, "x-gaps": [[37, 41]]},
                },
                "additionalProperties": False,
            },
        },
        {"enum": ["auto", "none"], "x-since": 37},
    ]
}

_DEVICE_V2: Final[Json] = {
    "type": "object",
    "properties": {
        "source_type": {"enum": ["image", "volume", "snapshot", "blank"]},
        "destination_type": {"enum": ["local", "volume"]},
        "uuid": {"type": "string", "minLength": 1, "maxLength": 255},
        "image_id": UUID,
        "volume_id": UUID,
        "snapshot_id": UUID,
        "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "maxLength": 9},
        "delete_on_termination": BOOLEAN,
        "device_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
        "device_type": {"type": ["string", "null"], "maxLength": 255},
        "disk_bus": {"type": ["string", "null"], "maxLength": 255},
        "guest_format": {"type": ["string", "null"], "maxLength": 255},
        "volume_size": {"type": ["integer", "string", "null"], "pattern": "^[0-9]+$", "maxLength": 9},
        "volume_type": {"type": ["string", "null"], "maxLength": 255, "x-since": 67},
        "no_device": {},
        "tag": {**DEVICE_TAG, "x-gaps": [[33, 41]]},
    },
    "additionalProperties": False,
}

_HINTS: Final[Json] = {
    "type": "object",
    "properties": {
        "group": UUID,
        "different_host": {"anyOf": [UUID, {"type": "array", "items": UUID, "maxItems": 64}]},
        "same_host": {"anyOf": [UUID, {"type": "array", "items": UUID, "maxItems": 64}]},
        "query": {"type": ["string", "object"]},
        "target_cell": NAME,
        "different_cell": {"type": ["string", "array"], "items": {"type": "string", "maxLength": 255}},
        "build_near_host_ip": {"type": "string", "format": "ip"},
        "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$", "maxLength": 40},
    },
    "maxProperties": 64,
    "additionalProperties": True,
}

_SERVER: Final[Json] = {
    "type": "object",
    "properties": {
        "name": NAME,
        "description": {**DESCRIPTION, "x-since": 19},
        "imageRef": {"type": "string", "anyOf": [{"format": "uuid"}, {"enum": [""]}]},
        "flavorRef": {"type": ["string", "integer"], "minLength": 1, "maxLength": 255, "minimum": 0},
        "adminPass": {"type": "string", "maxLength": 255},
        "metadata": METADATA,
        "networks": _NETWORKS,
        "security_groups": {
            "type": "array",
            "maxItems": 64,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255}},
                "additionalProperties": False,
            },
        },
        "accessIPv4": ACCESS_V4,
        "accessIPv6": ACCESS_V6,
        "personality": PERSONALITY,
        "user_data": {"type": "string", "format": "base64", "maxLength": 65535},
        "config_drive": BOOLEAN,
        "key_name": {"type": "string", "minLength": 1, "maxLength": 255},
        "availability_zone": ZONE,
        "OS-DCF:diskConfig": DISK_CONFIG,
        "min_count": COUNT,
        "max_count": COUNT,
        "return_reservation_id": BOOLEAN,
        "block_device_mapping": {"type": "array", "maxItems": 32, "items": {"type": "object"}},
        "block_device_mapping_v2": {"type": "array", "maxItems": 32, "items": _DEVICE_V2},
        "tags": {**TAGS, "x-since": 52},
        "trusted_image_certificates": {**CERTIFICATES, "x-since": 63},
        "host": {**ZONE, "x-since": 74},
        "hypervisor_hostname": {**ZONE, "x-since": 74},
        "hostname": {**HOSTNAME, "x-since": 90},
    },
    "required": ["name", "flavorRef"],
    "x-required-since": {"networks": 37},
    "additionalProperties": False,
}

CREATE: Final = Schema(
    {
        "type": "object",
        "properties": {"server": _SERVER, "os:scheduler_hints": _HINTS, "OS-SCH-HNT:scheduler_hints": _HINTS},
        "required": ["server"],
        "additionalProperties": False,
    }
)

UPDATE: Final = Schema(
    {
        "type": "object",
        "properties": {
            "server": {
                "type": "object",
                "properties": {
                    "name": NAME,
                    "accessIPv4": ACCESS_V4,
                    "accessIPv6": ACCESS_V6,
                    "OS-DCF:diskConfig": DISK_CONFIG,
                    "description": {**DESCRIPTION, "x-since": 19},
                    "hostname": {**HOSTNAME, "x-since": 90},
                    "pinned_availability_zone": {
                        "type": ["string", "null"],
                        "minLength": 1,
                        "maxLength": 255,
                        "x-since": 104,
                    },
                },
                "additionalProperties": False,
            }
        },
        "required": ["server"],
        "additionalProperties": False,
    }
)


def is_true(value: Any) -> bool:
    """A value that :data:`BOOLEAN` accepted."""
    return value is True or str(value).lower() in ("1", "true", "on", "yes", "y", "t")
