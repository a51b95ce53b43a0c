# SPDX-License-Identifier: Apache-2.0
"""Names of containers' disks by which libvirt starts them.

Such a disk is attached to a loop device, and the kernel has room for 63 bytes of its file's name there.
libvirt refuses what is longer, which the path of a guest's folder mostly is, so that it is told of a link.
"""

from __future__ import annotations

from pathlib import Path

#: Root's alone, and gone with the next boot of the host.
_LINKS = Path("/run/minicloud")


def name(uuid: str, disk: str) -> Path:
    """By which a file in a guest's folder is found."""
    return _LINKS / uuid / disk


def ensure(uuid: str, folder: Path) -> None:
    """Make the link to a guest's folder, or change it."""
    _LINKS.mkdir(mode=0o700, exist_ok=True)
    new = _LINKS / f"{uuid}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(folder)
    new.replace(_LINKS / uuid)


def remove(uuid: str) -> None:
    """Remove the link, if there is one."""
    (_LINKS / uuid).unlink(missing_ok=True)
