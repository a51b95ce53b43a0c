# SPDX-License-Identifier: Apache-2.0
"""The images of a compute host, each fetched once however many guests are made from it.

A file of the cache is named after the image and a hash of what its data must be, so that an image whose data is
another has another file. It gets its name only when it is whole; what a crash leaves has no such name and is removed by
the next one to fetch.

Who makes a guest upon a file of the cache takes a hard link of it with :meth:`CachedImage.link` and lets the guest's
disk refer to that link. Then no list of who uses what has to be kept and none can be wrong: a file with more than one
name is in use, is never evicted, and would even outlive the cache. Who refers to the file itself says so with
``in_use``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Image
from minicloud.virt.driver import SourceImage
from minicloud.virt.images import convert, formats, locks
from minicloud.virt.images.download import download, publish
from minicloud.virt.images.progress import Progress, Reporter, Step

LOG = logging.getLogger(__name__)

#: Seconds in which a file that was asked for is not evicted: by then it is linked, or not wanted.
GRACE = 600.0
#: Bytes of the largest disk that is taken by default.
MAX_VIRTUAL_SIZE = 2 << 40
_FORMATS = ("raw", "qcow2")


@dataclass(frozen=True, slots=True)
class CachedImage:
    """A verified image on this host; to be read only."""

    path: Path
    #: ``raw`` or ``qcow2``.
    format: str
    #: Bytes of the disk in it.
    virtual_size: int

    def link(self, to: Path) -> Path:
        """A name of one's own for the file, which holds it while it is there; on another file system a copy."""
        part = to.with_name(f".{to.name}.part")
        part.unlink(missing_ok=True)
        try:
            os.link(self.path, part)
        except OSError:
            shutil.copyfile(self.path, part)
            part.chmod(0o600)
        part.replace(to)
        return to


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the cache, for those who look after it."""

    path: Path
    image_id: str
    format: str
    #: Bytes it takes on the disk.
    size: int
    #: When it was asked for last, in seconds since 1970.
    used_at: float
    is_in_use: bool


class ImageCache:
    """One folder; any number of processes and threads may share it."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        max_virtual_size: int = MAX_VIRTUAL_SIZE,
        limits: convert.Limits | None = None,
        in_use: Callable[[Path], bool] = lambda path: False,
        grace: float = GRACE,
    ) -> None:
        """
        :param folder: made when it is not there; on the file system of the guests' disks, so that links work
        :param max_bytes: beyond it, what was not asked for longest is removed
        :param max_virtual_size: bytes of the largest disk that is taken
        :param in_use: whether a file is in use, of those that have no link
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self._max_virtual_size = max_virtual_size
        self._limits = limits or convert.Limits()
        self._in_use = in_use
        self._grace = grace
        self._partial = folder / "partial"
        # Hypervisors may run as another user: they reach a file whose name they are told, and list nothing.
        for path, mode in ((folder, 0o711), (self._partial, 0o700)):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
        self._sweep_all()

    @classmethod
    def of(cls, conf: cfg.ConfigOpts, *, in_use: Callable[[Path], bool] = lambda path: False) -> ImageCache:
        """The one that the configuration describes; see its group ``image_cache``."""
        options = conf.image_cache
        return cls(
            Path(options.path or Path(conf.state_dir) / "image_cache"),
            max_bytes=options.max_size_gb << 30,
            max_virtual_size=options.max_virtual_size_gb << 30,
            limits=convert.Limits(options.convert_memory_mb << 20, options.convert_cpu_seconds),
            in_use=in_use,
        )

    def fetch(
        self,
        image: SourceImage,
        cancelled: threading.Event,
        progress: Progress | None = None,
        *,
        max_virtual_size: int | None = None,
    ) -> CachedImage:
        """An image, from here or else from the image service.

        :param max_virtual_size: bytes of the largest disk that is of use to the caller
        :raises ImageUnacceptable: when it is not what it says it is, not safe, damaged or too large
        :raises ImageNotFound: when it is not there any more
        :raises Cancelled: when the event was set
        :raises VirtError: when this host has no room for it
        """
        info, report = image.info, Reporter(image.id, progress)
        most = min(self._max_virtual_size, max_virtual_size or self._max_virtual_size)
        key = _key(info)
        with locks.held(self._lock(key), cancelled, lambda: report(Step("waiting"))):
            have = self._have(key)
            if have is None:
                self._sweep(key)
                self._evict(coming=info.size or 0)
                try:
                    have = self._make(image, key, most, cancelled, report)
                finally:
                    self._sweep(key)
            _check_size(image.id, have.virtual_size, most)
            os.utime(have.path)
        self._evict()
        return have

    def entries(self) -> list[Entry]:
        """What is here, what was not asked for longest first."""
        found = [self._entry(path) for name in _FORMATS for path in self.folder.glob(f"*.{name}")]
        return sorted((each for each in found if each is not None), key=lambda each: each.used_at)

    def remove(self, entry: Entry) -> bool:
        """Remove a file, unless it is in use; whether it is gone."""
        key = entry.path.name.rpartition(".")[0]
        with locks.tried(self._lock(key)) as held:
            now = self._entry(entry.path)
            if not held or (now is not None and now.is_in_use):
                return False
            entry.path.unlink(missing_ok=True)
            self._sweep(key)
            self._lock(key).unlink(missing_ok=True)
        LOG.info("Image %s is removed from the cache: %d MiB", entry.image_id, entry.size >> 20)
        return True

    def _have(self, key: str) -> CachedImage | None:
        for name in _FORMATS:
            path = self.folder / f"{key}.{name}"
            if path.is_file():
                return CachedImage(path, name, formats.virtual_size(path, name))
        return None

    def _make(
        self, image: SourceImage, key: str, most: int, cancelled: threading.Event, report: Reporter
    ) -> CachedImage:
        began = time.monotonic()
        source = self._partial / f"{key}.source"
        download(image, source, cancelled, report)
        found = formats.inspect(source, image.id, image.info.disk_format)
        _check_size(image.id, found.virtual_size, most)
        ready, name = source, "raw"
        if found.kind.driver is not None:
            report(Step("converting", 0, found.virtual_size))
            ready, name = self._partial / f"{key}.qcow2", "qcow2"
            self._convert(image.id, source, found, ready, cancelled)
        path = self.folder / f"{key}.{name}"
        publish(ready, path)
        LOG.info("Image %s is in the cache after %.1f s", image.id, time.monotonic() - began)
        return CachedImage(path, name, formats.virtual_size(path, name))

    def _convert(
        self, image_id: str, source: Path, found: formats.Inspected, to: Path, cancelled: threading.Event
    ) -> None:
        assert found.kind.driver is not None
        try:
            convert.to_qcow2(source, found.kind.driver, to, found.virtual_size, cancelled, self._limits)
        except convert.ProcessFailed as error:
            if "No space left" in str(error):
                raise exception.VirtError(reason=f"no room for image {image_id} in {self.folder}") from None
            raise exception.ImageUnacceptable(image_id=image_id, reason=f"it cannot be converted: {error}") from None

    def _evict(self, coming: int = 0) -> None:
        """Keep to the limit, also with what is coming, as far as files that nobody uses allow."""
        entries = self.entries()
        over = sum(each.size for each in entries) + coming - self.max_bytes
        for each in entries:
            if over <= 0:
                return
            if time.time() - each.used_at >= self._grace and not each.is_in_use and self.remove(each):
                over -= each.size
        if over > 0:
            LOG.info("The cache %s is %d MiB larger than it should be: all is in use", self.folder, over >> 20)

    def _entry(self, path: Path) -> Entry | None:
        try:
            status = path.stat()
        except FileNotFoundError:  # removed by another
            return None
        return Entry(
            path,
            image_id=path.name.split(".")[0],
            format=path.suffix[1:],
            size=status.st_blocks * 512,
            used_at=status.st_mtime,
            is_in_use=status.st_nlink > 1 or self._in_use(path),
        )

    def _lock(self, key: str) -> Path:
        return self._partial / f"{key}.lock"

    def _sweep(self, key: str) -> None:
        """Remove what was begun and not finished, while the lock is held."""
        for path in (*self._partial.glob(f"{key}.*"), *self._partial.glob(f".{key}.*")):
            if path != self._lock(key):
                path.unlink(missing_ok=True)

    def _sweep_all(self) -> None:
        """Remove what those left who died half way: their locks can be had."""
        for key in {".".join(path.name.lstrip(".").split(".")[:2]) for path in self._partial.iterdir()}:
            with locks.tried(self._lock(key)) as held:
                if held:
                    self._sweep(key)
                    if self._have(key) is None:
                        self._lock(key).unlink(missing_ok=True)


def _key(info: Image) -> str:
    """A file's name for an image and its data; nothing of it is the image service's word."""
    data = info.os_hash_value or info.checksum or f"{info.size} {info.updated_at}"
    digest = hashlib.sha256(f"{info.id}\n{data}\n{info.disk_format}".encode()).hexdigest()
    safe = "".join(letter for letter in info.id[:64] if letter.isascii() and (letter.isalnum() or letter == "-"))
    return f"{safe or 'image'}.{digest[:24]}"


def _check_size(image_id: str, have: int, most: int) -> None:
    if have > most:
        raise exception.ImageUnacceptable(
            image_id=image_id, reason=f"its disk has {have} bytes where {most} are allowed"
        )
