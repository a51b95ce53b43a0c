# SPDX-License-Identifier: Apache-2.0
"""Trees of files as an initial ramdisk and as a tar, owned by root whoever makes them."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

_TRAILER = "TRAILER!!!"


def cpio(root: Path, to: Path) -> None:
    """A gzipped cpio archive, in the format that the kernel's ``early-userspace/buffer-format.rst`` describes."""
    with gzip.GzipFile(to, "wb", compresslevel=9, mtime=0) as target:
        for number, (path, name) in enumerate(_walk(root), 1):
            status = path.lstat()
            data = _data(path, status.st_mode)
            target.write(_entry(name, data, number=number, mode=status.st_mode))
        # The kernel opens it for the first program, before anything is mounted.
        console = _entry("dev/console", b"", number=0, mode=stat.S_IFCHR | 0o600, device=(5, 1))
        target.write(console + _entry(_TRAILER, b"", number=0, mode=0))


def tar(root: Path, to: Path) -> None:
    """A tar of the tree, as ``docker import`` takes it."""

    def owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    with tarfile.open(to, "w", format=tarfile.PAX_FORMAT) as target:
        for path, name in _walk(root):
            target.add(path, name, recursive=False, filter=owned_by_root)


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Everything in a tree, a folder before what is in it."""
    for path in sorted(root.rglob("*")):
        yield path, str(path.relative_to(root))


def _data(path: Path, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.fsencode(os.readlink(path))
    return path.read_bytes() if stat.S_ISREG(mode) else b""


def _entry(name: str, data: bytes, *, number: int, mode: int, device: tuple[int, int] = (0, 0)) -> bytes:
    links = 2 if stat.S_ISDIR(mode) else 1
    encoded = os.fsencode(name) + b"\0"
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
