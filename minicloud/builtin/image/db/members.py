# SPDX-License-Identifier: Apache-2.0
"""With whom images are shared, in the database."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud.builtin.image import errors
from minicloud.builtin.image.db.images import MEMBERS
from minicloud.builtin.image.records import MemberRecord

_EXISTS = sa.select(MEMBERS.c.status).where(
    MEMBERS.c.image_id == sa.bindparam("image"), MEMBERS.c.member_id == sa.bindparam("member")
)


def is_member(conn: Connection, image_id: str, project_id: str) -> bool:
    return conn.execute(_EXISTS, {"image": image_id, "member": project_id}).first() is not None


def find(conn: Connection, image_id: str, member_id: str | None = None) -> list[MemberRecord]:
    """The members of an image, or the one asked for."""
    query = sa.select(MEMBERS).where(MEMBERS.c.image_id == image_id).order_by(MEMBERS.c.created_at, MEMBERS.c.member_id)
    if member_id is not None:
        query = query.where(MEMBERS.c.member_id == member_id)
    return [MemberRecord(**row._mapping) for row in conn.execute(query)]


def count(conn: Connection, image_id: str) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(MEMBERS).where(MEMBERS.c.image_id == image_id)) or 0


def add(conn: Connection, member: MemberRecord) -> None:
    """
    :raises DuplicateMember: when it is one already
    """
    values = {name: getattr(member, name) for name in member.__struct_fields__}
    try:
        conn.execute(MEMBERS.insert().values(**values))
    except db_exc.DBDuplicateEntry:
        raise errors.DuplicateMember(image_id=member.image_id, member_id=member.member_id) from None


def set_status(conn: Connection, image_id: str, member_id: str, status: str, moment: datetime) -> bool:
    """Whether there is such a member."""
    where = (MEMBERS.c.image_id == image_id, MEMBERS.c.member_id == member_id)
    return bool(conn.execute(MEMBERS.update().where(*where).values(status=status, updated_at=moment)).rowcount)


def remove(conn: Connection, image_id: str, member_id: str) -> bool:
    """Whether there was such a member."""
    where = (MEMBERS.c.image_id == image_id, MEMBERS.c.member_id == member_id)
    return bool(conn.execute(MEMBERS.delete().where(*where)).rowcount)
