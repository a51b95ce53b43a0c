# SPDX-License-Identifier: Apache-2.0
"""What the image service keeps: images, members and tasks; and the statuses an image goes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

QUEUED: Final = "queued"
SAVING: Final = "saving"
UPLOADING: Final = "uploading"
IMPORTING: Final = "importing"
ACTIVE: Final = "active"
DEACTIVATED: Final = "deactivated"
KILLED: Final = "killed"
PENDING_DELETE: Final = "pending_delete"

STATUSES = (QUEUED, SAVING, UPLOADING, IMPORTING, ACTIVE, DEACTIVATED, KILLED, PENDING_DELETE)

#: Where each status may go. Every change is a compare-and-swap along one of these arrows,
#: so that of two requests at once one wins and the other is told 409.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    QUEUED: frozenset({SAVING, UPLOADING, IMPORTING, PENDING_DELETE}),
    SAVING: frozenset({ACTIVE, QUEUED, KILLED, PENDING_DELETE}),
    # Data is staged, or on its way there.
    UPLOADING: frozenset({IMPORTING, QUEUED, PENDING_DELETE}),
    IMPORTING: frozenset({ACTIVE, QUEUED, KILLED, PENDING_DELETE}),
    ACTIVE: frozenset({DEACTIVATED, PENDING_DELETE}),
    DEACTIVATED: frozenset({ACTIVE, PENDING_DELETE}),
    KILLED: frozenset({PENDING_DELETE}),
    # The row goes once the data is gone.
    PENDING_DELETE: frozenset(),
}

VISIBILITIES = ("public", "private", "shared", "community")
MEMBER_STATUSES = ("pending", "accepted", "rejected")
DISK_FORMATS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop", "iso")
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")

#: The one store there is, as clients see it.
STORE = "local"
#: Properties by which an import tells how it goes; only the service sets them.
IMPORTING_TO = "os_glance_importing_to_stores"
FAILED_IMPORT = "os_glance_failed_import"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the rows below."""


class ImageRecord(Record, frozen=True, kw_only=True):
    """An image without its data; sizes are bytes, ``min_disk`` GiB, ``min_ram`` MiB."""

    id: str
    name: str | None = None
    status: str = QUEUED
    visibility: str = "shared"
    size: int | None = None
    virtual_size: int | None = None
    min_disk: int = 0
    min_ram: int = 0
    disk_format: str | None = None
    container_format: str | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    owner: str | None = None
    protected: bool = False
    os_hidden: bool = False
    created_at: datetime
    updated_at: datetime
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()

    def replace(self, **changes: Any) -> ImageRecord:
        return msgspec.structs.replace(self, **changes)


class MemberRecord(Record, frozen=True, kw_only=True):
    """A project with which an image is shared."""

    image_id: str
    member_id: str
    status: str = "pending"
    created_at: datetime
    updated_at: datetime


class TaskRecord(Record, frozen=True, kw_only=True):
    """One import, while it runs and for two days after."""

    id: str
    image_id: str
    type: str = "api_image_import"
    status: str = "pending"
    owner: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    input: dict[str, Any] = {}
    result: dict[str, Any] | None = None
    message: str = ""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None


#: Columns of an image that a listing may compare or sort by.
SORT_KEYS = (
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "virtual_size",
    "id",
    "created_at",
    "updated_at",
    "min_disk",
    "min_ram",
    "owner",
    "visibility",
    "protected",
    "os_hidden",
    "checksum",
)


class Comparison(Record, frozen=True, kw_only=True):
    """One condition on a column: ``size >= 10``; ``in`` takes a list."""

    column: str
    operator: str
    value: Any


class Sort(Record, frozen=True, kw_only=True):
    key: str
    descending: bool = True


class Filters(Record, frozen=True, kw_only=True):
    """What a listing asks for; empty means all that the caller may see by default."""

    comparisons: tuple[Comparison, ...] = ()
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    #: One of VISIBILITIES, ``all``, or None for the default.
    visibility: str | None = None
    member_status: str = "accepted"


class Page(Record, frozen=True, kw_only=True):
    """Which part of a listing; ``marker`` is the id of the last image of the page before."""

    limit: int = 1000
    marker: str | None = None
    sort: tuple[Sort, ...] = (Sort(key="created_at"),)


class Change(Record, frozen=True, kw_only=True):
    """One step of a PATCH: ``add``, ``replace`` or ``remove`` an attribute or property."""

    op: str
    name: str
    value: Any = None
