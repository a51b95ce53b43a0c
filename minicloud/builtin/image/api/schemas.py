# SPDX-License-Identifier: Apache-2.0
"""/v2/schemas: what clients read to learn which attributes there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minicloud.builtin.image import records, schema
from minicloud.builtin.image.service import ImageService
from minicloud.web.operation import Call, Operation

_TEXT = {"type": "string"}
_IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {**schema.KNOWN_PROPERTIES, **schema.WRITABLE, **schema.READ_ONLY},
    "additionalProperties": _TEXT,
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
_MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        **dict.fromkeys(("image_id", "member_id", "created_at", "updated_at", "schema"), _TEXT),
        "status": {"type": "string", "enum": list(records.MEMBER_STATUSES)},
    },
}
_TASK: dict[str, Any] = {
    "name": "task",
    "properties": {
        **dict.fromkeys(
            ("id", "type", "owner", "message", "self", "schema", "image_id", "request_id", "user_id"), _TEXT
        ),
        **dict.fromkeys(("created_at", "updated_at", "expires_at"), _TEXT),
        "status": {"type": "string", "enum": ["pending", "processing", "success", "failure"]},
        "input": {"type": ["null", "object"]},
        "result": {"type": ["null", "object"]},
    },
}


def _many(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            **dict.fromkeys(("first", "next", "schema"), _TEXT),
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


_DOCUMENTS: Mapping[str, dict[str, Any]] = {
    "image": _IMAGE,
    "images": _many("images", _IMAGE),
    "member": _MEMBER,
    "members": _many("members", _MEMBER),
    "task": _TASK,
    "tasks": _many("tasks", _TASK),
}


def _show(document: dict[str, Any]) -> Callable[[Call[ImageService]], dict[str, Any]]:
    return lambda call: document


OPERATIONS = tuple(
    Operation("GET", f"/v2/schemas/{name}", _show(document), rule="get_metadef")
    for name, document in _DOCUMENTS.items()
)
