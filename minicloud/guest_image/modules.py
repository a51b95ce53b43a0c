# SPDX-License-Identifier: Apache-2.0
"""The few kernel modules a guest needs, in the order in which they must be inserted."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from minicloud.guest_image.tools import CannotBuild

#: Without these there is no disk or no network.
NEEDED = ("virtio_pci", "virtio_blk", "virtio_net")
#: What else a machine may have: other disks, CD-ROM and its file system, console, entropy, balloon, power button.
WELCOME = (
    "virtio_scsi",
    "sd_mod",
    "sr_mod",
    "ata_piix",
    "ahci",
    "isofs",
    "vfat",
    "nls_ascii",
    "nls_cp437",
    "nls_utf8",
    "virtio_console",
    "virtio_rng",
    "virtio_balloon",
    "button",
    "evdev",
)

_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


def wanted(root: Path) -> list[Path]:
    """The modules under ``root``, each after those it needs.

    :param root: ``lib/modules/<version>`` of an unpacked kernel
    :raises CannotBuild: when one that is needed is not there, nor in the kernel itself
    """
    have = {_name(path): path for path in root.rglob("*.ko*")}
    builtin = {_name(Path(line)) for line in _lines(root / "modules.builtin")}
    if missing := [name for name in NEEDED if name not in have and name not in builtin]:
        raise CannotBuild(f"The kernel {root.name} has no {', '.join(missing)}: choose one made for clouds.")
    order: dict[str, Path] = {}
    for name in (*NEEDED, *WELCOME):
        if name in have:
            _add(name, have, order)
    return list(order.values())


def content(path: Path) -> bytes:
    """A module, not compressed: the guest has nothing that unpacks it."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _add(name: str, have: Mapping[str, Path], order: dict[str, Path]) -> None:
    if name in order or name not in have:
        return
    for other in _needs(have[name]):
        _add(other, have, order)
    order[name] = have[name]


def _needs(path: Path) -> Iterable[str]:
    found = _DEPENDS.search(content(path))
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else ()


def _name(path: Path) -> str:
    return path.name.partition(".ko")[0].replace("-", "_")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
