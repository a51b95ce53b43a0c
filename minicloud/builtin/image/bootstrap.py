# SPDX-License-Identifier: Apache-2.0
"""The images of a new cloud: two small disks, made here, so that the first boot needs no download."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from oslo_config import cfg

from minicloud import context, exception
from minicloud.builtin.image import records
from minicloud.builtin.image.service import ImageService
from minicloud.db.session import Database

#: The image for everything, and another one for tests that rebuild.
NAMES = ("tiny", "tiny-alt")
_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_VIRTUAL_SIZE = 16 << 20


def bootstrap(conf: cfg.ConfigOpts, db: Database, *, owner: str, service: ImageService | None = None) -> str:
    """Create what is missing of the public images ``tiny`` and ``tiny-alt``; idempotent.

    :param owner: id of the project they belong to
    :param service: the one of this process, when there is one already
    :returns: the id of ``tiny``
    """
    images = service or ImageService(conf, db)
    try:
        ids = [_ensure(images, name, owner) for name in NAMES]
    finally:
        if service is None:
            images.close()
    return ids[0]


def _ensure(service: ImageService, name: str, owner: str) -> str:
    ctxt = context.admin()
    # The same id on every start, so that a copy someone renamed is still recognised.
    image_id = str(uuid5(NAMESPACE_URL, f"minicloud:image:{owner}:{name}"))
    try:
        image = service.images.get(ctxt, image_id)
    except exception.ImageNotFound:
        body = {
            "id": image_id,
            "name": name,
            "owner": owner,
            "visibility": "public",
            "disk_format": "qcow2",
            "container_format": "bare",
            "min_disk": 0,
            "min_ram": 0,
        }
        image = service.images.create(ctxt, body)
    if image.status == records.QUEUED:
        service.data.upload(ctxt, image_id, empty_qcow2())
    return image_id


def empty_qcow2(virtual_size: int = _VIRTUAL_SIZE) -> Iterator[bytes]:
    """An empty qcow2 disk of version 3: header, refcount table, refcount block and an L1 table.

    QEMU's docs/interop/qcow2.txt has the format. Four clusters of 64 KiB are in use, each
    counted once.

    :param virtual_size: bytes of the disk, at most 512 MiB per entry of the L1 table
    """
    entries = -(-virtual_size // (_CLUSTER // 8 * _CLUSTER))
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        0,  # no backing file
        0,
        _CLUSTER_BITS,
        virtual_size,
        0,  # not encrypted
        entries,
        3 * _CLUSTER,  # the L1 table
        _CLUSTER,  # the refcount table, one cluster long
        1,
        0,  # no snapshots
        0,
        0,  # no features of any kind
        0,
        0,
        4,  # 16-bit refcounts
        104,
    )
    table = struct.pack(">Q", 2 * _CLUSTER)
    block = struct.pack(">4H", 1, 1, 1, 1)
    for content in (header, table, block, b""):
        yield content.ljust(_CLUSTER, b"\0")
