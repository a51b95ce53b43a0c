# SPDX-License-Identifier: Apache-2.0
"""What the two hosts of a migration tell each other, in the ``data`` of what drivers exchange.

Fields are only added, with defaults, since the hosts may be one release apart.
"""

from __future__ import annotations

import base64
import zlib
from typing import TypeVar

import msgspec

KIND = "libvirt"

#: Where ``data`` has it.
_KEY = "papers"


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """One that the destination makes empty, to be filled while the guest runs."""

    #: Of its file.
    name: str
    #: raw or qcow2
    format: str
    #: Bytes that the guest sees, and that are in use.
    size: int
    used: int


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """A guest that wants to go, as its host knows it."""

    #: Type of its domain: kvm or qemu.
    type: str
    #: Version of the hypervisor.
    version: int
    machine: str
    #: The CPU as it runs, in libvirt's XML; empty: the hypervisor's default.
    cpu: str = ""
    #: What only this one folder has: a host that finds it shares it.
    identity: str
    folder: str
    disks: tuple[Disk, ...] = ()
    #: Serial lines, each of which needs a port.
    lines: int = 0
    #: Whether the guest's memory goes through libvirt's own connection, which carries no disks.
    is_tunnelled: bool = False
    #: The config drive as it is, since the guest may have it open: base64 of zlib; empty: none.
    config_drive: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is prepared for it."""

    host: str
    #: The mark of the destination's cloud, without which the guest would be a stranger there.
    cloud: str
    folder: str
    #: Whether the guest's disks are there already; else they are there, empty.
    is_shared: bool
    vnc_listen: str
    serial_listen: str
    serial_ports: tuple[int, ...] = ()
    #: CPUs for it alone.
    pins: tuple[int, ...] = ()
    #: MAC address -> bridge
    bridges: dict[str, str] = {}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The disks of a guest that was stopped, where it was."""

    #: Of the host, for its libvirt.
    address: str
    folder: str
    #: Names of files, each after the one under it.
    files: tuple[str, ...] = ()
    #: Disk -> the file under it, and that one's format
    backing: dict[str, tuple[str, str]] = {}


P = TypeVar("P", Leaving, Place, Kept)


def pack(papers: Leaving | Place | Kept) -> dict[str, str]:
    return {_KEY: msgspec.json.encode(papers).decode()}


def unpack(kind: type[P], data: dict[str, str]) -> P:
    return msgspec.json.decode(data[_KEY], type=kind)


def wrap(drive: bytes) -> str:
    """A config drive as it travels: most of it is zeros."""
    return base64.b64encode(zlib.compress(drive)).decode()


def unwrap(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
