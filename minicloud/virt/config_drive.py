# SPDX-License-Identifier: Apache-2.0
"""The config drive: a small read-only disk from which a guest learns about itself without a network.

It is an ISO 9660 file system with the label that cloud-init looks for. A name of a file may be longer and of more
characters than plain ISO 9660 has, so it is written by two extensions beside it: Rock Ridge, which Linux prefers, and
Joliet, which Windows reads.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pycdlib

#: By which a guest knows the disk among its others.
LABEL = "config-2"
#: What Joliet can carry.
_LONGEST_NAME = 64
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


def write_iso(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the disk, readable by the owner alone: it may hold a password.

    It is made beside its place and renamed, so that a guest never sees half of it.

    :param files: by path from the root of the disk, such as ``openstack/latest/meta_data.json``
    :raises ValueError: for a path that such a disk cannot carry
    :raises OSError:
    """
    placed = {_checked(name): data for name, data in files.items()}
    if both := placed.keys() & set(_folders(placed)):
        raise ValueError(f"A config drive cannot have a file and a folder of one name: {min(both)}")
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(number, "wb") as target:
            _write(target, placed)
            target.flush()
            os.fsync(target.fileno())
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _write(target: BinaryIO, files: Mapping[PurePosixPath, bytes]) -> None:
    iso = pycdlib.PyCdlib()
    # Level 4 lets plain ISO names be as they are, in place of 8 upper-case letters, a dot and 3 more.
    iso.new(interchange_level=4, vol_ident=LABEL, rock_ridge="1.09", joliet=3)
    try:
        for folder in _folders(files):
            iso.add_directory(f"/{folder}", rr_name=folder.name, joliet_path=f"/{folder}", file_mode=0o040555)
        for name, data in sorted(files.items()):
            at = f"/{name}"
            iso.add_fp(BytesIO(data), len(data), at, rr_name=name.name, joliet_path=at, file_mode=0o100444)
        iso.write_fp(target)
    finally:
        iso.close()


def _checked(name: str) -> PurePosixPath:
    """A path relative to the disk's root, of names that every extension carries as they are."""
    path = PurePosixPath(name)
    parts = path.parts
    fine = all(_PLAIN.fullmatch(part) and len(part) <= _LONGEST_NAME and part not in (".", "..") for part in parts)
    if not parts or path.is_absolute() or not fine:
        raise ValueError(f"A config drive cannot carry the path {name!r}")
    return path


def _folders(files: Mapping[PurePosixPath, bytes]) -> Iterator[PurePosixPath]:
    """Every folder once, a parent before its children."""
    yield from sorted({parent for path in files for parent in path.parents if parent.parts}, key=lambda p: p.parts)
