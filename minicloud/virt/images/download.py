# SPDX-License-Identifier: Apache-2.0
"""From the image service to a file: whole and as the service says it is, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import threading
from pathlib import Path
from typing import IO, Protocol

from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Image
from minicloud.virt.driver import Cancelled, SourceImage
from minicloud.virt.images.progress import Progress, Reporter, Step

LOG = logging.getLogger(__name__)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def download(
    image: SourceImage,
    to: Path,
    cancelled: threading.Event,
    progress: Progress | None = None,
    *,
    most: int | None = None,
) -> None:
    """Write an image's data to a file of mode 0600, which then is whole, verified and on the disk.

    :param to: replaced when it is there; its folder must be
    :param most: bytes that it may have on this host
    :raises ImageUnacceptable: when it has no data, or its data is not what the service says it is
    :raises Cancelled: when the event was set
    :raises VirtError: when there is no room on this host
    """
    info = image.info
    if info.status != "active":
        raise exception.ImageUnacceptable(image_id=image.id, reason=f"it is {info.status}, not active")
    handle, name = tempfile.mkstemp(prefix=f".{to.name}.", suffix=".part", dir=to.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as target:
            _copy(image, target, cancelled, progress, most)
            target.flush()
            os.fsync(target.fileno())
        publish(Path(name), to)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        if error.errno in _NO_ROOM:
            raise exception.VirtError(reason=f"no room for image {image.id} in {to.parent}") from None
        raise
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def publish(have: Path, to: Path) -> None:
    """Give a file that is on the disk its name, so that the name outlasts a power cut too."""
    have.replace(to)
    handle = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(
    image: SourceImage, target: IO[bytes], cancelled: threading.Event, progress: Progress | None, most: int | None
) -> None:
    info, report = image.info, Reporter(image.id, progress)
    expected, digest = _expected(info)
    size = 0
    for chunk in image.read():
        if cancelled.is_set():
            raise Cancelled()
        size += len(chunk)
        if info.size is not None and size > info.size:  # at once: it may never end
            raise exception.ImageUnacceptable(image_id=image.id, reason=f"it has more than its {info.size} bytes")
        if digest is not None:
            digest.update(chunk)
        if most is not None and size > most:
            raise exception.ImageUnacceptable(
                image_id=image.id, reason=f"this host takes images of {most} bytes at most"
            )
        target.write(chunk)
        report(Step("downloading", size, info.size))
    if info.size is not None and size != info.size:
        raise exception.ImageUnacceptable(image_id=image.id, reason=f"only {size} of its {info.size} bytes came")
    if digest is not None and digest.hexdigest() != expected:
        raise exception.ImageUnacceptable(
            image_id=image.id,
            reason=f"its {digest.name.upper()} is {digest.hexdigest()} where the image service says {expected}",
        )


class _Digest(Protocol):
    @property
    def name(self) -> str: ...

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def _expected(info: Image) -> tuple[str, _Digest | None]:
    """The strongest hash the service gives, and what computes it; ("", None) when it gives none."""
    algorithm, value = info.os_hash_algo or "", info.os_hash_value or ""
    # SHAKE has no length of its own.
    if value and algorithm in hashlib.algorithms_guaranteed and not algorithm.startswith("shake"):
        return value.lower(), hashlib.new(algorithm, usedforsecurity=False)
    if info.checksum:
        return info.checksum.lower(), hashlib.md5(usedforsecurity=False)
    LOG.warning("Image %s has no checksum; only its size is compared", info.id)
    return "", None
