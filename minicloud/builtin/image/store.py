# SPDX-License-Identifier: Apache-2.0
"""Where the data of images lies.

glance_store does this for many back ends, but takes longer to import than this whole cloud
takes to start; for one directory on this machine the few lines below are enough. Another
kind of store is another implementation of :class:`Store`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from minicloud.builtin.image import errors

CHUNK = 256 * 1024
HASH_ALGORITHM = "sha512"


class Stored(msgspec.Struct, frozen=True):
    """What was written: bytes, MD5 and SHA-512."""

    size: int
    checksum: str
    os_hash_value: str
    os_hash_algo: str = HASH_ALGORITHM


def chunks_of(source: IO[bytes]) -> Iterator[bytes]:
    """A file-like body in pieces."""
    while chunk := source.read(CHUNK):
        yield chunk


class Store(ABC):
    """Keeps data by image id, and apart from it what is staged for an import."""

    @abstractmethod
    def write(self, image_id: str, chunks: Iterable[bytes], limit: int, *, staged: bool = False) -> Stored:
        """Keep data, whole or not at all; what is there under this id is replaced.

        :param limit: bytes it may have
        :raises ImageTooLarge: beyond the limit
        :raises StoreFull: when there is no room
        """

    @abstractmethod
    def read(self, image_id: str, start: int = 0, stop: int | None = None, *, staged: bool = False) -> Iterator[bytes]:
        """The bytes from ``start`` up to, not including, ``stop``. Opened at once, so that a
        delete meanwhile does not cut it short.

        :raises FileNotFoundError: when there is none
        """

    @abstractmethod
    def exists(self, image_id: str, *, staged: bool = False) -> bool:
        """Whether the data is there, whole."""

    @abstractmethod
    def delete(self, image_id: str, *, staged: bool = False) -> None:
        """Remove the data, if there is any."""

    @abstractmethod
    def path(self, image_id: str) -> Path:
        """A file with the data, to be read only; it may not outlast the image.

        :raises FileNotFoundError: when there is none
        """


class FileStore(Store):
    """One directory, 0700, one file an image, 0600."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._staging = root / "staging"
        self._partial = root / "partial"
        for folder in (root, self._staging, self._partial):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        self._in_use = os.fdopen(os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb")

    def first(self) -> bool:
        """Take note that this process uses the directory; whether no other did.

        Held until :meth:`close` or the process ends, whichever way it ends.
        """
        try:
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fcntl.flock(self._in_use, fcntl.LOCK_SH)
            return False
        return True

    def share(self) -> None:
        """After :meth:`first`: let others in."""
        fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def close(self) -> None:
        self._in_use.close()

    def sweep(self) -> None:
        """Remove what writers left behind; only while nobody else uses the directory."""
        for path in self._partial.iterdir():
            path.unlink(missing_ok=True)

    def write(self, image_id: str, chunks: Iterable[bytes], limit: int, *, staged: bool = False) -> Stored:
        handle, name = tempfile.mkstemp(prefix=f"{image_id}.", dir=self._partial)  # 0600
        try:
            with os.fdopen(handle, "wb") as target:
                stored = _copy(chunks, target, limit)
                target.flush()
                os.fsync(target.fileno())
            os.replace(name, self._name(image_id, staged))
        except OSError as error:
            _unlink(name)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise errors.StoreFull() from error
            raise
        except BaseException:
            _unlink(name)
            raise
        _sync_folder(self._name(image_id, staged).parent)
        return stored

    def read(self, image_id: str, start: int = 0, stop: int | None = None, *, staged: bool = False) -> Iterator[bytes]:
        return _read(self._name(image_id, staged).open("rb"), start, stop)

    def exists(self, image_id: str, *, staged: bool = False) -> bool:
        return self._name(image_id, staged).is_file()

    def delete(self, image_id: str, *, staged: bool = False) -> None:
        self._name(image_id, staged).unlink(missing_ok=True)

    def path(self, image_id: str) -> Path:
        name = self._name(image_id, staged=False)
        if not name.is_file():
            raise FileNotFoundError(errno.ENOENT, "no data", image_id)
        return name

    def _name(self, image_id: str, staged: bool) -> Path:
        return (self._staging if staged else self.root) / image_id


def _copy(chunks: Iterable[bytes], target: IO[bytes], limit: int) -> Stored:
    # MD5 is Glance's ``checksum``, against transmission errors; SHA-512 is the one to trust.
    checksum, secure, size = hashlib.md5(usedforsecurity=False), hashlib.sha512(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise errors.ImageTooLarge(limit=limit)
        checksum.update(chunk)
        secure.update(chunk)
        target.write(chunk)
    return Stored(size, checksum.hexdigest(), secure.hexdigest())


def _read(source: IO[bytes], start: int, stop: int | None) -> Iterator[bytes]:
    with source:
        source.seek(start)
        left = stop - start if stop is not None else None
        while left is None or left > 0:
            chunk = source.read(CHUNK if left is None else min(CHUNK, left))
            if not chunk:
                return
            if left is not None:
                left -= len(chunk)
            yield chunk


def _unlink(name: str) -> None:
    Path(name).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, as the database's row does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
