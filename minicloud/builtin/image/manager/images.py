# SPDX-License-Identifier: Apache-2.0
"""Images as things with a name, an owner and properties: create, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from oslo_log import log as logging

from minicloud import exception
from minicloud.builtin.image import errors, records
from minicloud.builtin.image.db import images, listing
from minicloud.builtin.image.manager import attributes
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.records import Change, Filters, ImageRecord, Page
from minicloud.context import RequestContext
from minicloud.web import moments

LOG = logging.getLogger(__name__)

#: Rules that guard making an image visible to others.
_VISIBILITY_RULES = {"public": "publicize_image", "community": "communitize_image"}
_DELETABLE = tuple(status for status in records.STATUSES if status != records.PENDING_DELETE)


class Images:
    """The images of the cloud, each verb checked against visibility and policy."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._db = core.db

    def get(self, ctxt: RequestContext, image_id: str, *, tags: bool = True) -> ImageRecord:
        """
        :raises ImageNotFound: for an unknown, invisible or malformed id alike
        """
        with self._db.reader() as conn:
            image = self._core.visible(conn, ctxt, image_id, tags=tags)
        self._core.authorize(ctxt, "get_image", image)
        return image

    def find(self, ctxt: RequestContext, filters: Filters, page: Page) -> list[ImageRecord]:
        """A page of what the caller may see.

        :raises InvalidMarker: when the marker is not an image the caller may see
        """
        self._core.policy.authorize(ctxt, "get_images")
        with self._db.reader() as conn:
            return listing.find(conn, filters, page, ctxt.project_id, ctxt.has_admin_role)

    def create(self, ctxt: RequestContext, body: Mapping[str, Any]) -> ImageRecord:
        """Register an image without data.

        :param body: attributes and custom properties side by side, as in a POST
        :raises DuplicateImage: when the id is taken
        """
        self._core.policy.authorize(ctxt, "add_image")
        fields = {"id": str(uuid4()), "owner": ctxt.project_id, **attributes.from_body(body)}
        moment = moments.now()
        image = ImageRecord(**fields, created_at=moment, updated_at=moment)
        self._check_change(ctxt, None, image)
        with self._db.writer() as conn:
            images.create(conn, image)
        LOG.info("Image %s (%s) was created for project %s", image.id, image.name, image.owner)
        return image

    def update(self, ctxt: RequestContext, image_id: str, changes: Sequence[Change]) -> ImageRecord:
        """Apply a PATCH, whole or not at all."""
        with self._db.writer() as conn:
            before = self._core.mine(conn, ctxt, image_id, "modify_image")
            after = attributes.apply(before, changes)
            if after == before:
                return before
            after = after.replace(updated_at=moments.now())
            self._check_change(ctxt, before, after)
            images.update(conn, before, after)
        return after

    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        """Remove an image and its data, in whatever status it is.

        :raises ImageProtected: while it is protected
        """
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, "delete_image")
            if image.protected:
                raise errors.ImageProtected(image_id=image.id)
            if not images.change_status(conn, image.id, records.PENDING_DELETE, _DELETABLE):
                raise exception.ImageNotFound(image_id=image_id)
        self.finish_delete(image.id)
        LOG.info("Image %s was deleted by project %s", image.id, ctxt.project_id)

    def finish_delete(self, image_id: str) -> None:
        """First the data and then the row: what stops between the two is done again at the next start."""
        self._core.store.delete(image_id)
        self._core.store.delete(image_id, staged=True)
        with self._db.writer() as conn:
            images.delete(conn, image_id)

    def deactivate(self, ctxt: RequestContext, image_id: str) -> None:
        """Forbid downloads; doing it twice is harmless."""
        self._switch(ctxt, image_id, "deactivate", records.ACTIVE, records.DEACTIVATED)

    def reactivate(self, ctxt: RequestContext, image_id: str) -> None:
        self._switch(ctxt, image_id, "reactivate", records.DEACTIVATED, records.ACTIVE)

    def _switch(self, ctxt: RequestContext, image_id: str, rule: str, have: str, want: str) -> None:
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, rule)
            if image.status == want:
                return
            if not images.change_status(conn, image.id, want, (have,), updated_at=moments.now()):
                raise exception.Forbidden(f"Not allowed to {rule} an image in status '{image.status}'.")

    def add_tag(self, ctxt: RequestContext, image_id: str, tag: str) -> None:
        """Adding a tag twice is harmless."""
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, "modify_image")
            if tag not in image.tags:
                attributes.check_quotas(self._core.conf, image.replace(tags=(*image.tags, tag)))
                images.add_tag(conn, image.id, tag)
                images.touch(conn, image.id, moments.now())

    def remove_tag(self, ctxt: RequestContext, image_id: str, tag: str) -> None:
        """
        :raises TagNotFound: when the image has no such tag
        """
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, "modify_image")
            if not images.remove_tag(conn, image.id, tag):
                raise errors.TagNotFound(tag=tag, image_id=image.id)
            images.touch(conn, image.id, moments.now())

    def _check_change(self, ctxt: RequestContext, before: ImageRecord | None, after: ImageRecord) -> None:
        visibility = before.visibility if before is not None else None
        if after.visibility != visibility and after.visibility in _VISIBILITY_RULES:
            self._core.authorize(ctxt, _VISIBILITY_RULES[after.visibility], after)
        owner = before.owner if before is not None else ctxt.project_id
        if after.owner != owner:
            self._core.authorize(ctxt, "set_image_owner", after)
        attributes.check_quotas(self._core.conf, after)
