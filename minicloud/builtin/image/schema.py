# SPDX-License-Identifier: Apache-2.0
"""What an image may be made of: one table for request validation, for PATCH and for ``/v2/schemas``."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.image import records
from minicloud.web.validation import Schema

_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_SMALL = {"type": "integer", "minimum": 0, "maximum": 2147483647}
_OPTIONAL_ID = {"type": ["null", "string"], "pattern": _UUID}
_MOMENT = {"type": "string", "readOnly": True}

#: Attributes a request may set.
WRITABLE: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": _UUID, "description": "A UUID, chosen by the service unless given"},
    "name": {"type": ["null", "string"], "maxLength": 255, "description": "What people call the image"},
    "visibility": {
        "type": "string",
        "enum": ["community", "public", "private", "shared"],
        "description": "Who can see the image",
    },
    "owner": {"type": ["null", "string"], "maxLength": 255, "description": "The project that owns the image"},
    "protected": {"type": "boolean", "description": "Whether a delete is refused"},
    "os_hidden": {"type": "boolean", "description": "Whether plain listings leave the image out"},
    "container_format": {
        "type": ["null", "string"],
        "enum": [None, *records.CONTAINER_FORMATS],
        "description": "What the disk is wrapped in",
    },
    "disk_format": {
        "type": ["null", "string"],
        "enum": [None, *records.DISK_FORMATS],
        "description": "How the disk is laid out",
    },
    "min_ram": {**_SMALL, "description": "MiB of memory that a server needs at least"},
    "min_disk": {**_SMALL, "description": "GiB of disk that a server needs at least"},
    "tags": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "Words to find the image by",
    },
}

#: Attributes only the service sets.
READ_ONLY: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": [*records.STATUSES, "deleted"], "readOnly": True},
    "size": {"type": ["null", "integer"], "readOnly": True, "description": "Bytes of the data"},
    "virtual_size": {"type": ["null", "integer"], "readOnly": True, "description": "Bytes of the disk within"},
    "checksum": {"type": ["null", "string"], "maxLength": 32, "readOnly": True, "description": "MD5 of the data"},
    "os_hash_algo": {"type": ["null", "string"], "maxLength": 64, "readOnly": True},
    "os_hash_value": {"type": ["null", "string"], "maxLength": 128, "readOnly": True},
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
    "self": {"type": "string", "readOnly": True},
    "file": {"type": "string", "readOnly": True},
    "schema": {"type": "string", "readOnly": True},
    "direct_url": {"type": "string", "readOnly": True},
    "locations": {"type": "array", "readOnly": True},
    "stores": {"type": "string", "readOnly": True},
}

#: Names that mean something inside, and so cannot be custom properties.
RESERVED = frozenset({"deleted", "deleted_at", "is_public", "location", "members", "properties", "image_size"})
RESERVED_PREFIX = "os_glance"

#: Custom properties that clients know by name; any other is a string too.
KNOWN_PROPERTIES: dict[str, dict[str, Any]] = {
    "architecture": {"type": "string", "is_base": False, "description": "The processor that the image is for"},
    "os_distro": {"type": "string", "is_base": False, "description": "The operating system's distribution"},
    "os_version": {"type": "string", "is_base": False, "description": "The operating system's version"},
    "instance_uuid": {"type": "string", "is_base": False, "description": "The server that this is a snapshot of"},
    "kernel_id": {**_OPTIONAL_ID, "is_base": False, "description": "The image with the kernel to boot"},
    "ramdisk_id": {**_OPTIONAL_ID, "is_base": False, "description": "The image with the ramdisk to boot"},
}

#: The value of one attribute, in a PATCH.
ATTRIBUTES = Schema({"type": "object", "properties": WRITABLE})

# What is read-only passes here, so that it is refused by name with 403, as clients expect.
CREATE = Schema(
    {
        "type": "object",
        "properties": {
            **WRITABLE,
            **dict.fromkeys(READ_ONLY, {}),
            "kernel_id": _OPTIONAL_ID,
            "ramdisk_id": _OPTIONAL_ID,
        },
        "additionalProperties": {"type": "string"},
    }
)
PATCH = Schema({"type": "array", "items": {"type": "object"}, "maxItems": 1000})
IMPORT = Schema(
    {
        "type": "object",
        "properties": {
            "method": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 64}, "uri": {"type": "string"}},
                "required": ["name"],
            },
            "stores": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
            "all_stores": {"type": "boolean"},
            "all_stores_must_succeed": {"type": "boolean"},
        },
        "required": ["method"],
    }
)
ADD_MEMBER = Schema(
    {
        "type": "object",
        "properties": {"member": {"type": "string", "minLength": 1, "maxLength": 255}},
        "required": ["member"],
    }
)
SET_MEMBER = Schema(
    {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": list(records.MEMBER_STATUSES)}},
        "required": ["status"],
    }
)
