# SPDX-License-Identifier: Apache-2.0
"""Tokens that end before their time."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.objects import Grant
from minicloud.web import moments

_TABLE: sa.Table = models.Revocation.__table__  # type: ignore[assignment]  # declarative types it as FromClause


def revoke_token(conn: Connection, grant: Grant, keep: timedelta) -> None:
    """
    :param keep: how long after its end a token may still be asked about
    """
    _add(conn, audit_id=grant.audit_ids[0], expires_at=grant.expires_at + keep)


def revoke_user(conn: Connection, user_id: str, keep: timedelta) -> None:
    """End all tokens that a user has until now.

    :param keep: how long from now the last of them could be asked about
    """
    now = moments.now()
    _add(conn, user_id=user_id, issued_before=now, expires_at=now + keep)


def _add(conn: Connection, **values: object) -> None:
    conn.execute(sa.delete(_TABLE).where(_TABLE.c.expires_at < moments.now()))
    conn.execute(sa.insert(_TABLE).values(**values))


def is_revoked(conn: Connection, grant: Grant) -> bool:
    by_token = _TABLE.c.audit_id == grant.audit_ids[0]
    by_user = sa.and_(_TABLE.c.user_id == grant.user_id, _TABLE.c.issued_before >= grant.issued_at)
    return conn.execute(sa.select(_TABLE.c.id).where(sa.or_(by_token, by_user)).limit(1)).first() is not None
