# SPDX-License-Identifier: Apache-2.0
"""How images, members and tasks look on the wire."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.image import records
from minicloud.builtin.image.records import ImageRecord, MemberRecord, TaskRecord
from minicloud.web.moments import iso_z

#: Attributes shown as they are kept.
_AS_KEPT = (
    "name",
    "status",
    "visibility",
    "size",
    "virtual_size",
    "min_disk",
    "min_ram",
    "disk_format",
    "container_format",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "owner",
    "protected",
    "os_hidden",
    "id",
)


def image(found: ImageRecord) -> dict[str, Any]:
    """Attributes and custom properties side by side, as Glance does."""
    shown: dict[str, Any] = dict(found.properties)
    shown.update((name, getattr(found, name)) for name in _AS_KEPT)
    if found.status in (records.ACTIVE, records.DEACTIVATED):
        shown["stores"] = records.STORE
    path = f"/v2/images/{found.id}"
    return {
        **shown,
        "tags": list(found.tags),
        "created_at": iso_z(found.created_at),
        "updated_at": iso_z(found.updated_at),
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }


def member(found: MemberRecord) -> dict[str, Any]:
    return {
        "image_id": found.image_id,
        "member_id": found.member_id,
        "status": found.status,
        "created_at": iso_z(found.created_at),
        "updated_at": iso_z(found.updated_at),
        "schema": "/v2/schemas/member",
    }


def task(found: TaskRecord) -> dict[str, Any]:
    shown = {name: getattr(found, name) for name in TaskRecord.__struct_fields__ if not name.endswith("_at")}
    return {
        **shown,
        "created_at": iso_z(found.created_at),
        "updated_at": iso_z(found.updated_at),
        "expires_at": iso_z(found.expires_at),
        "self": f"/v2/tasks/{found.id}",
        "schema": "/v2/schemas/task",
    }
