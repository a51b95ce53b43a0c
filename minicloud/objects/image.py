# SPDX-License-Identifier: Apache-2.0
"""An image, as far as compute looks at it."""

from __future__ import annotations

from datetime import datetime

from minicloud.objects.base import Struct


class Image(Struct, frozen=True, kw_only=True):
    """An image as compute sees it: ``size`` bytes, ``min_disk`` GiB, ``min_ram`` MiB."""

    id: str
    name: str | None = None
    status: str = "queued"
    size: int | None = None
    virtual_size: int | None = None
    min_disk: int = 0
    min_ram: int = 0
    disk_format: str | None = None
    container_format: str | None = None
    #: MD5 of the data.
    checksum: str | None = None
    #: A stronger hash of the data: the name of the algorithm, as hashlib knows it, and the hash in hexadecimal.
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    visibility: str = "shared"
    owner: str | None = None
    protected: bool = False
    os_hidden: bool = False
    properties: dict[str, str] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None
