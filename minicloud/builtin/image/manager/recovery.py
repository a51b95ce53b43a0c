# SPDX-License-Identifier: Apache-2.0
"""What a start does about work that the last stop cut short."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud.builtin.image import records
from minicloud.builtin.image.db import images, tasks
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.manager.images import Images
from minicloud.web import moments

LOG = logging.getLogger(__name__)


def recover(core: Core, manager: Images) -> None:
    """Put every image back into a status that means something.

    Only the first process to use the store's directory does it: what the others' images
    are in the middle of is not cut short.
    """
    if not core.store.first():
        return
    try:
        core.store.sweep()
        with core.db.reader() as conn:
            halfway = images.in_status(
                conn, records.SAVING, records.IMPORTING, records.UPLOADING, records.PENDING_DELETE
            )
        for image_id, status in halfway:
            _settle(core, manager, image_id, status)
        with core.db.writer() as conn:
            tasks.interrupt(conn, moments.now())
    finally:
        core.store.share()


def _settle(core: Core, manager: Images, image_id: str, status: str) -> None:
    if status == records.PENDING_DELETE:
        manager.finish_delete(image_id)
        return
    if status == records.UPLOADING and core.store.exists(image_id, staged=True):
        return  # staged whole, and waits for its import
    # A file that was written but never said to be there is not to be trusted.
    core.store.delete(image_id)
    core.store.delete(image_id, staged=True)
    with core.db.writer() as conn:
        images.change_status(conn, image_id, records.QUEUED, (status,), updated_at=moments.now())
        images.remove_properties(conn, image_id, (records.IMPORTING_TO,))
    LOG.warning("Image %s was %s when the service stopped; it is queued again", image_id, status)
