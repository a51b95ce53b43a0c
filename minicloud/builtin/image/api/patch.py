# SPDX-License-Identifier: Apache-2.0
"""The two dialects of Glance's PATCH, read into one list of changes.

v2.1 is RFC 6902 with three operations: ``{"op": "add", "path": "/x", "value": 1}``;
v2.0 is an early draft of it: ``{"add": "/x", "value": 1}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minicloud import exception
from minicloud.builtin.image import errors, schema
from minicloud.builtin.image.records import Change

MEDIA_TYPES = ("application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch")
_OPERATIONS = ("add", "replace", "remove")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def read(document: list[Mapping[str, Any]], media_type: str) -> list[Change]:
    """
    :param document: the body, known to be a list of objects
    :raises BadRequest: naming the step that cannot be understood
    """
    step = _step if media_type == MEDIA_TYPES[0] else _old_step
    return [step(item) for item in document]


def _step(item: Mapping[str, Any]) -> Change:
    operation, path = item.get("op"), item.get("path")
    if operation not in _OPERATIONS:
        raise exception.BadRequest(f"Operations must be one of {', '.join(_OPERATIONS)}: {_short(operation)}.")
    return _change(str(operation), path, item)


def _old_step(item: Mapping[str, Any]) -> Change:
    found = [operation for operation in _OPERATIONS if operation in item]
    if len(found) != 1:
        raise exception.BadRequest(f"Each operation must have exactly one of {', '.join(_OPERATIONS)}.")
    return _change(found[0], item[found[0]], item)


def _change(operation: str, path: Any, item: Mapping[str, Any]) -> Change:
    if not isinstance(path, str) or not path.startswith("/") or _BAD_ESCAPE.search(path):
        raise exception.BadRequest(f"Pointer {_short(path)} is not a valid JSON pointer that starts with '/'.")
    root, *rest = (part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    if root in schema.READ_ONLY:
        raise errors.ReadOnlyAttribute(name=root)
    if rest:
        raise exception.BadRequest(f"Invalid JSON pointer for this resource: {_short(path)}")
    if operation != "remove" and "value" not in item:
        raise exception.BadRequest(f"The operation {operation} of {_short(path)} needs a value.")
    return Change(op=operation, name=root, value=item.get("value"))


def _short(value: Any) -> str:
    return repr(value)[:80]
