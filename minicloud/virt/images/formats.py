# SPDX-License-Identifier: Apache-2.0
"""What a file really is, found without letting a hypervisor's tools open it.

The formats of disks can name other files: a backing file, a data file, extents. A tool that opens such an image opens
those files as well, of this host and with its rights. oslo.utils reads only headers and follows nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_utils.imageutils import format_inspector

from minicloud import exception

_CHUNK = 64 * 1024

#: Content whose bytes are the disk's; a disk with partitions is found as "gpt".
_PLAIN = (frozenset({"raw"}), frozenset({"gpt"}))


@dataclass(frozen=True, slots=True)
class Kind:
    """What an image may be that says it has a format."""

    #: Each a set of formats that may be found in one file.
    content: tuple[frozenset[str], ...]
    #: QEMU's name of the format when it is to be converted; None: it is used as it is.
    driver: str | None = None
    #: Whether it ever is opened as a disk, so that headers matter.
    is_disk: bool = True


#: disk_format -> what is accepted
KINDS: Mapping[str, Kind] = {
    "raw": Kind(_PLAIN),
    # Kernels and ramdisks are given to the machine as they are. A kernel looks like a boot sector.
    "ami": Kind(_PLAIN),
    "aki": Kind(_PLAIN, is_disk=False),
    "ari": Kind(_PLAIN, is_disk=False),
    # One that can be written to a stick has a partition table too.
    "iso": Kind((frozenset({"iso"}), frozenset({"iso", "gpt"}))),
    "qcow2": Kind((frozenset({"qcow2"}),), "qcow2"),
    "vmdk": Kind((frozenset({"vmdk"}),), "vmdk"),
    "vhd": Kind((frozenset({"vhd"}),), "vpc"),
    "vhdx": Kind((frozenset({"vhdx"}),), "vhdx"),
    "vdi": Kind((frozenset({"vdi"}),), "vdi"),
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be used."""

    kind: Kind
    #: Bytes of the disk in it.
    virtual_size: int


def inspect(path: Path, image_id: str, disk_format: str | None) -> Inspected:
    """Look at an image's data.

    :param disk_format: what the image says it is
    :raises ImageUnacceptable: when it is something else, or would make a reader open other files
    """
    kind = KINDS.get(disk_format or "")
    if kind is None:
        raise exception.ImageUnacceptable(
            image_id=image_id, reason=f"disk format {disk_format} cannot be used; these can: {', '.join(KINDS)}"
        )
    found = _found(path, image_id)
    names = frozenset(str(each) for each in found)
    if names not in kind.content:
        raise exception.ImageUnacceptable(
            image_id=image_id, reason=f"it is said to be {disk_format}, but its data is {' and '.join(sorted(names))}"
        )
    if kind.is_disk:
        _check(found, image_id)
    return Inspected(kind, _virtual_size(path, found, kind))


def virtual_size(path: Path, name: str) -> int:
    """Bytes of the disk in a file of ours, which is raw or qcow2."""
    if name == "raw":
        return path.stat().st_size
    return int(format_inspector.QcowInspector.from_file(str(path)).virtual_size)


def _found(path: Path, image_id: str) -> list[Any]:
    with path.open("rb") as source:
        wrapper = format_inspector.InspectWrapper(source)
        try:
            while wrapper.read(_CHUNK) and wrapper.formats is None:
                pass
        finally:
            wrapper.close()
        found = wrapper.formats
    if not found:
        raise exception.ImageUnacceptable(image_id=image_id, reason="its format is not known")
    return list(found)


def _check(found: list[Any], image_id: str) -> None:
    for each in found:
        try:
            each.safety_check()
        except format_inspector.SafetyCheckFailed as error:
            reasons = "; ".join(str(failure) for failure in error.failures.values())
            raise exception.ImageUnacceptable(image_id=image_id, reason=f"it is not safe to open: {reasons}") from None
        except format_inspector.ImageFormatError as error:
            raise exception.ImageUnacceptable(image_id=image_id, reason=f"it is damaged: {error}") from None
        if each.NAME == "qcow2" and _is_encrypted(each):
            raise exception.ImageUnacceptable(image_id=image_id, reason="it is encrypted")


def _is_encrypted(inspector: Any) -> bool:
    method: int = struct.unpack(">I", inspector.region("header").data[32:36])[0]
    return method != 0


def _virtual_size(path: Path, found: list[Any], kind: Kind) -> int:
    return path.stat().st_size if kind.driver is None else int(found[0].virtual_size)
