# SPDX-License-Identifier: Apache-2.0
"""Sharing: the owner adds projects, each project says whether it wants the image in its listings."""

from __future__ import annotations

from minicloud.builtin.image import errors
from minicloud.builtin.image.db import members
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.records import ImageRecord, MemberRecord
from minicloud.context import RequestContext
from minicloud.web import moments


class Members:
    """The projects with which images are shared."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._db = core.db

    def find(self, ctxt: RequestContext, image_id: str) -> list[MemberRecord]:
        """All members for the owner; for a member only itself."""
        with self._db.reader() as conn:
            image = self._shared(self._core.visible(conn, ctxt, image_id))
            found = members.find(conn, image.id)
        own = ctxt.may_see(image.owner)
        self._core.authorize(ctxt, "get_members", image, None if own else ctxt.project_id)
        return [member for member in found if own or member.member_id == ctxt.project_id]

    def get(self, ctxt: RequestContext, image_id: str, member_id: str) -> MemberRecord:
        """
        :raises MemberNotFound: when there is no such member, or it is not the caller's to see
        """
        with self._db.reader() as conn:
            image = self._shared(self._core.visible(conn, ctxt, image_id))
            found = members.find(conn, image.id, member_id)
        if not found or not (ctxt.may_see(image.owner) or member_id == ctxt.project_id):
            raise errors.MemberNotFound(member_id=member_id, image_id=image_id)
        self._core.authorize(ctxt, "get_member", image, member_id)
        return found[0]

    def add(self, ctxt: RequestContext, image_id: str, member_id: str) -> MemberRecord:
        """
        :raises DuplicateMember: when it is one already
        :raises TooMany: 413
        """
        moment, limit = moments.now(), self._core.conf.image.image_member_quota
        with self._db.writer() as conn:
            image = self._shared(self._core.mine(conn, ctxt, image_id, "add_member"))
            member = MemberRecord(image_id=image.id, member_id=member_id, created_at=moment, updated_at=moment)
            have = members.count(conn, image.id) + 1
            if have > limit:
                raise errors.TooMany(what="members", have=have, limit=limit)
            members.add(conn, member)
        return member

    def set_status(self, ctxt: RequestContext, image_id: str, member_id: str, status: str) -> MemberRecord:
        """Accept or reject; only the member itself can, not even the owner."""
        with self._db.writer() as conn:
            image = self._shared(self._core.visible(conn, ctxt, image_id, lock=True))
            self._core.authorize(ctxt, "modify_member", image, member_id)
            if not members.set_status(conn, image.id, member_id, status, moments.now()):
                raise errors.MemberNotFound(member_id=member_id, image_id=image_id)
            return members.find(conn, image.id, member_id)[0]

    def remove(self, ctxt: RequestContext, image_id: str, member_id: str) -> None:
        """
        :raises MemberNotFound: when there is no such member
        """
        with self._db.writer() as conn:
            image = self._shared(self._core.mine(conn, ctxt, image_id, "delete_member"))
            if not members.remove(conn, image.id, member_id):
                raise errors.MemberNotFound(member_id=member_id, image_id=image_id)

    @staticmethod
    def _shared(image: ImageRecord) -> ImageRecord:
        if image.visibility != "shared":
            raise errors.MembersNotAllowed()
        return image
