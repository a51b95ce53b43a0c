# SPDX-License-Identifier: Apache-2.0
"""Fetching files from another host, through its libvirt: what may migrate guests there may read their disks.

A folder is made a storage pool for as long as it takes, and its files are downloaded as volumes, without their holes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # nosec B405  # only written here

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.virt.libvirt.host import errors, events

LOG = logging.getLogger(__name__)

#: As of this host's own connection: a daemon that is silent for their product in seconds is gone.
_KEEPALIVE = (5, 6)


def fetch(uri: str, source: str, names: Sequence[str], folder: Path, wanted: Callable[[], None]) -> None:
    """Copy files to a folder of this host, readable by the owner alone.

    :param uri: the other host's libvirt
    :param source: folder of that host
    :param names: of files in it
    :param wanted: called often; what it raises ends the copying
    :raises VirtError:
    """
    try:
        with _connected(uri) as conn, _pool(conn, source, folder.name) as pool:
            for name in names:
                LOG.info("Fetches %s of %s", name, uri)
                _download(conn, pool.storageVolLookupByName(name), folder / name, wanted)
    except libvirt.libvirtError as error:
        raise exception.VirtError(reason=f"{source} cannot be fetched from {uri}: {errors.reason(error)}") from error


@contextmanager
def _connected(uri: str) -> Iterator[libvirt.virConnect]:
    events.ensure_loop()
    conn = libvirt.open(uri)
    try:
        with suppress(libvirt.libvirtError):
            conn.setKeepAlive(*_KEEPALIVE)
        yield conn
    finally:
        conn.close()


@contextmanager
def _pool(conn: libvirt.virConnect, path: str, name: str) -> Iterator[libvirt.virStoragePool]:
    """Forgotten afterwards; its files stay."""
    called = f"minicloud-{name}"
    with suppress(libvirt.libvirtError):  # left by one who was killed; there is none as a rule
        conn.storagePoolLookupByName(called).destroy()
    root = ET.Element("pool", type="dir")
    ET.SubElement(root, "name").text = called
    ET.SubElement(ET.SubElement(root, "target"), "path").text = path
    pool = conn.storagePoolCreateXML(ET.tostring(root, encoding="unicode"), 0)
    try:
        yield pool
    finally:
        with suppress(libvirt.libvirtError):
            pool.destroy()


def _download(conn: libvirt.virConnect, volume: libvirt.virStorageVol, path: Path, wanted: Callable[[], None]) -> None:
    def write(_stream: Any, data: bytes, file: Any) -> int:
        wanted()
        return int(file.write(data))

    def skip(_stream: Any, length: int, file: Any) -> None:
        file.truncate(file.seek(length, os.SEEK_CUR))

    stream = conn.newStream(0)
    volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        try:
            stream.sparseRecvAll(write, skip, file)
            stream.finish()
        except BaseException:
            with suppress(libvirt.libvirtError):
                stream.abort()
            raise
