# SPDX-License-Identifier: Apache-2.0
"""What those left in the cache of images who died while they fetched one: found without touching it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg

from minicloud.virt.images import locks

#: Of whole images, as :class:`minicloud.virt.images.ImageCache` names them.
_FORMATS = ("raw", "qcow2")


def folder_of(conf: cfg.ConfigOpts) -> Path:
    """Where the cache is."""
    return Path(conf.image_cache.path or Path(conf.state_dir) / "image_cache")


def find(cache: Path) -> Iterator[Path]:
    """Parts of images, and locks of images that are not there, that nobody holds.

    :param cache: the folder, which need not be there
    """
    partial = cache / "partial"
    for path in sorted(partial.iterdir()) if partial.is_dir() else ():
        lock = _lock(path)
        if not (path == lock and _is_whole(cache, lock)) and not _is_held(lock):
            yield path


def remove(path: Path) -> bool:
    """Remove what :func:`find` found, and a lock that is of no more use; False: somebody goes on with it."""
    lock = _lock(path)
    if not lock.parent.is_dir():
        return True
    with locks.tried(lock) as held:
        if held:
            path.unlink(missing_ok=True)
            if not _is_whole(lock.parent.parent, lock):
                lock.unlink(missing_ok=True)
        return held


def _lock(path: Path) -> Path:
    """The lock of a part: the names of both begin with the key of the image, after a dot perhaps."""
    key = ".".join(path.name.lstrip(".").split(".")[:2])
    return path.with_name(f"{key}.lock")


def _is_whole(cache: Path, lock: Path) -> bool:
    return any((cache / f"{lock.name.removesuffix('.lock')}.{name}").exists() for name in _FORMATS)


def _is_held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look do not take each other for somebody at work.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
