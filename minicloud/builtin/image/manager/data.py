# SPDX-License-Identifier: Apache-2.0
"""The data of images: upload, stage, download.

An upload takes three steps: the status says so, the data is written, the status says it is
there. No transaction is open while data flows, and a step that fails puts the image back
where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from oslo_log import log as logging

from minicloud import exception
from minicloud.builtin.image import errors, records
from minicloud.builtin.image.db import images
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.records import ImageRecord
from minicloud.builtin.image.store import Stored
from minicloud.context import RequestContext
from minicloud.web import moments

LOG = logging.getLogger(__name__)

#: Disk formats whose data is the disk, byte for byte.
_PLAIN = ("raw", "iso", "ami", "ari", "aki")
_HAVE_DATA = (records.ACTIVE, records.DEACTIVATED)


class Download(NamedTuple):
    """An image's data: ``read(start, stop)`` gives its bytes in pieces, ``open()`` the file with all of them."""

    image: ImageRecord
    size: int
    read: Callable[[int, int | None], Iterator[bytes]]
    open: Callable[[], IO[bytes]]


class Data:
    """Moves bytes in and out."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._db = core.db

    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        """Give a queued image its data.

        :raises ImageConflict: when it is not queued
        :raises ImageTooLarge, StoreFull: 413; the image is queued again
        :raises ImageGone: when it was deleted meanwhile
        """
        image = self._begin(ctxt, image_id, records.SAVING)
        try:
            stored = self._core.store.write(image.id, chunks, self._core.conf.image.image_size_cap)
            self.activate(image, stored, records.SAVING)
        except BaseException:
            self._back_to_queued(image.id, records.SAVING)
            raise

    def stage(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        """Keep data aside for a glance-direct import."""
        image = self._begin(ctxt, image_id, records.UPLOADING)
        try:
            self._core.store.write(image.id, chunks, self._core.conf.image.image_size_cap, staged=True)
            with self._db.reader() as conn:
                images.get(conn, image.id, tags=False)
        except exception.ImageNotFound:
            self._core.store.delete(image.id, staged=True)
            raise errors.ImageGone(image_id=image.id) from None
        except BaseException:
            self._back_to_queued(image.id, records.UPLOADING)
            raise

    def download(self, ctxt: RequestContext, image_id: str) -> Download | None:
        """The data of an image; None when it has none yet.

        :raises ImageDeactivated: unless the caller may even so
        """
        with self._db.reader() as conn:
            image = self._core.visible(conn, ctxt, image_id)
        self._core.authorize(ctxt, "download_image", image)
        if image.status not in _HAVE_DATA or image.size is None:
            return None
        deactivated = image.status == records.DEACTIVATED
        if deactivated and not self._core.policy.allows(
            ctxt, "download_deactivated_image", {"project_id": image.owner, "member_id": None}
        ):
            raise errors.ImageDeactivated()
        store = self._core.store
        return Download(
            image,
            image.size,
            lambda start, stop: store.read(image.id, start, stop),
            lambda: store.path(image.id).open("rb"),
        )

    def path(self, ctxt: RequestContext, image_id: str) -> Path | None:
        """The file with an image's data, for readers on this machine; None when it has none yet."""
        return self._core.store.path(image_id) if self.download(ctxt, image_id) is not None else None

    def activate(self, image: ImageRecord, stored: Stored, have: str) -> None:
        """The data is there: say so.

        :raises ImageGone: when the image was deleted meanwhile; its data is removed
        """
        virtual_size = self._virtual_size(image, stored)
        with self._db.writer() as conn:
            done = images.change_status(
                conn,
                image.id,
                records.ACTIVE,
                (have,),
                size=stored.size,
                virtual_size=virtual_size,
                checksum=stored.checksum,
                os_hash_algo=stored.os_hash_algo,
                os_hash_value=stored.os_hash_value,
                updated_at=moments.now(),
            )
            if done:
                images.remove_properties(conn, image.id, (records.IMPORTING_TO, records.FAILED_IMPORT))
        if not done:
            self._core.store.delete(image.id)
            raise errors.ImageGone(image_id=image.id)
        LOG.info("Image %s is active: %d bytes", image.id, stored.size)

    def _begin(self, ctxt: RequestContext, image_id: str, want: str) -> ImageRecord:
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, "upload_image")
            require_formats(image)
            if not images.change_status(conn, image.id, want, (records.QUEUED,), updated_at=moments.now()):
                raise errors.ImageConflict(have=image.status, want=want)
        return image

    def _back_to_queued(self, image_id: str, have: str) -> None:
        with self._db.writer() as conn:
            done = images.change_status(conn, image_id, records.QUEUED, (have,), updated_at=moments.now())
        if done:  # else it was deleted meanwhile
            LOG.warning("The data of image %s could not be taken; it is queued again", image_id)

    def _virtual_size(self, image: ImageRecord, stored: Stored) -> int | None:
        if image.disk_format in _PLAIN:
            return stored.size
        # Imported here: most processes never see an upload.
        from oslo_utils.imageutils import format_inspector

        try:
            inspector = format_inspector.detect_file_format(str(self._core.store.path(image.id)))
            if inspector is None or image.disk_format != inspector.NAME:
                return None
            return int(inspector.virtual_size)
        except Exception as error:  # the format is the client's word; a wrong one is no reason to refuse
            LOG.debug("Image %s: no virtual size: %s", image.id, error)
            return None


def require_formats(image: ImageRecord) -> None:
    """
    :raises BadRequest: when it is not known what the data is
    """
    missing = [name for name in ("disk_format", "container_format") if getattr(image, name) is None]
    if missing:
        raise exception.BadRequest(f"Properties {', '.join(missing)} must be set prior to saving data.")
