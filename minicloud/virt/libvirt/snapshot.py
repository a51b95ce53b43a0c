# SPDX-License-Identifier: Apache-2.0
"""Copying a guest's root disk, as it is at one moment, while the guest goes on.

Of a guest that runs or is paused QEMU makes a backup: what the guest overwrites meanwhile is copied first.
The disk of one that is off is read as it is. Either way the result stands alone, without the image below.
A container's disk is a file system of the host's, which nobody copies that way: it stands still meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from uuid import uuid4

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.states import Power
from minicloud.virt.driver import Cancelled
from minicloud.virt.libvirt.domain.plan import DiskFile
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import errors
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.storage import qemu_img
from minicloud.virt.libvirt.xml.disk import Backup, BackupDisk
from minicloud.virt.libvirt.xml.parse import text_at

LOG = logging.getLogger(__name__)

#: What qemu-img calls the disk formats of images.
_FORMATS = {
    "raw": "raw",
    "ami": "raw",
    "qcow2": "qcow2",
    "vmdk": "vmdk",
    "vdi": "vdi",
    "vhd": "vpc",
    "vhdx": "vhdx",
}

#: Of the file that marks a container which stands still for its snapshot.
_HELD = ".held"

_LOOK = 0.1
_PIECE = 1024 * 1024


def qemu_format(disk_format: str) -> str:
    """:raises NotSupported: when no guest's disk can be given that format"""
    if disk_format not in _FORMATS:
        raise exception.NotSupported(what=f"snapshots in the disk format {disk_format}")
    return _FORMATS[disk_format]


def snapshot(guest: Guest, disk: DiskFile, disk_format: str, cancelled: threading.Event) -> Iterator[bytes]:
    """The disk in pieces; the copy behind it goes away with the iterator.

    :param disk_format: as the image service calls it
    :raises NotSupported:
    :raises Cancelled:
    """
    wanted = qemu_format(disk_format)
    stem = disk.path.parent / f"snapshot-{uuid4().hex}"
    copies: list[Path] = []
    try:
        yield from _pieces(_copy(guest, disk, wanted, stem, copies, cancelled), cancelled)
    finally:
        for path in copies:
            path.unlink(missing_ok=True)


def abandon(guest: Guest, folder: Path) -> None:
    """End what a run of ours that was killed has begun: QEMU goes on with a backup, and refuses another one."""
    if guest.is_active:
        with suppress(libvirt.libvirtError):
            if guest.domain.jobStats().get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP:
                LOG.info("A snapshot that nobody waits for is given up [instance: %s]", guest.uuid)
                guest.domain.abortJob()
    for path in folder.glob("snapshot-*"):
        # One that was off by now, as after a boot of the host, stays so.
        if path.suffix == _HELD and guest.power() == Power.PAUSED:
            guest.domain.resume()
        path.unlink(missing_ok=True)


def _copy(
    guest: Guest, disk: DiskFile, wanted: str, stem: Path, copies: list[Path], cancelled: threading.Event
) -> Path:
    source, source_format = disk.path, disk.format
    is_container = guest.definition().get("type") == LXC
    if guest.is_active and not is_container:
        source_format = wanted if wanted in ("raw", "qcow2") else "qcow2"
        source = stem.with_suffix(f".{source_format}")
        copies.append(source)
        _back_up(guest, disk, source, source_format, cancelled)
        if source_format == wanted:
            return source
    result = stem.with_suffix(".result")
    copies.append(result)
    with _held(guest, stem.with_suffix(_HELD)) if guest.is_active and is_container else nullcontext():
        qemu_img.convert(source, source_format, result, wanted, cancelled)
    return result


@contextmanager
def _held(guest: Guest, mark: Path) -> Iterator[None]:
    """A guest that runs stands still, and its disk has all that it wrote.

    :param mark: a file that is there meanwhile, so that the next run of ours knows whom to let go on
    """
    runs = guest.domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    if runs:
        mark.touch(mode=0o600)
        guest.domain.suspend()
    try:
        os.sync()
        yield
    finally:
        if runs:
            guest.domain.resume()
            mark.unlink(missing_ok=True)


def _back_up(guest: Guest, disk: DiskFile, target: Path, target_format: str, cancelled: threading.Event) -> None:
    wanted = BackupDisk(name="", backup=True, type="file", format=target_format, file=str(target))
    disks = []
    for node in guest.definition(live=True).findall("devices/disk"):
        name = text_at(node, "target/@dev")
        if text_at(node, "source/@file") == str(disk.path):
            wanted.name = name
            disks.append(wanted)
        else:
            disks.append(BackupDisk(name=name, backup=False))
    guest.domain.backupBegin(str(Backup(disks=disks)), None, 0)
    _await(guest, cancelled)
    target.chmod(0o600)


def _await(guest: Guest, cancelled: threading.Event) -> None:
    """
    :raises VirtError: when the copy failed
    """
    while guest.is_active and _is_under_way(guest):
        if cancelled.wait(_LOOK):
            with suppress(libvirt.libvirtError):
                guest.domain.abortJob()
            raise Cancelled()
    try:
        done = guest.domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    except libvirt.libvirtError as error:
        raise exception.VirtError(reason=f"the disk was not copied: {errors.reason(error)}") from error
    if done.get("type") != libvirt.VIR_DOMAIN_JOB_COMPLETED:
        raise exception.VirtError(reason=f"the disk was not copied: {done.get('errmsg', 'the guest ended')}")


def _is_under_way(guest: Guest) -> bool:
    return bool(guest.domain.jobStats().get("type", libvirt.VIR_DOMAIN_JOB_NONE) != libvirt.VIR_DOMAIN_JOB_NONE)


def _pieces(path: Path, cancelled: threading.Event) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if cancelled.is_set():
                raise Cancelled()
            yield piece
