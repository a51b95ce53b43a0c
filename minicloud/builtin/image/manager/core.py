# SPDX-License-Identifier: Apache-2.0
"""What every part of the manager works with: the database, the store, and who may."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oslo_config import cfg

from minicloud import exception
from minicloud.builtin.image.db import Connection, images, members
from minicloud.builtin.image.records import ImageRecord
from minicloud.builtin.image.store import FileStore
from minicloud.context import RequestContext
from minicloud.db.session import Database
from minicloud.web.policy import Policy

_ID = re.compile(r"[0-9a-fA-F-]{36}")


@dataclass(frozen=True, slots=True)
class Core:
    """The parts that the manager's classes share."""

    conf: cfg.ConfigOpts
    db: Database
    store: FileStore
    policy: Policy

    def visible(
        self, conn: Connection, ctxt: RequestContext, image_id: str, *, tags: bool = True, lock: bool = False
    ) -> ImageRecord:
        """An image that the caller may see.

        :param lock: in a writer: nobody else changes it meanwhile
        :raises ImageNotFound: for an unknown, invisible or malformed id alike
        """
        if not _ID.fullmatch(image_id):
            raise exception.ImageNotFound(image_id=image_id)
        if lock:
            images.lock(conn, image_id)
        image = images.get(conn, image_id, tags=tags)
        if not self._sees(conn, ctxt, image):
            raise exception.ImageNotFound(image_id=image_id)
        return image

    def mine(self, conn: Connection, ctxt: RequestContext, image_id: str, rule: str) -> ImageRecord:
        """An image that the caller may see and do something to, locked until the end of the transaction.

        :raises ImageNotFound: when the caller may not see it
        :raises PolicyNotAuthorized: when the rule does not let the caller
        """
        image = self.visible(conn, ctxt, image_id, lock=True)
        self.authorize(ctxt, rule, image)
        return image

    def authorize(self, ctxt: RequestContext, rule: str, image: ImageRecord, member_id: str | None = None) -> None:
        """Check a rule against an image's owner, and a membership where it is about one."""
        self.policy.authorize(ctxt, rule, {"project_id": image.owner, "member_id": member_id})

    @staticmethod
    def _sees(conn: Connection, ctxt: RequestContext, image: ImageRecord) -> bool:
        if image.visibility in ("public", "community") or ctxt.may_see(image.owner):
            return True
        project_id = ctxt.project_id
        return image.visibility == "shared" and project_id is not None and members.is_member(conn, image.id, project_id)
