# SPDX-License-Identifier: Apache-2.0
"""Tokens for the consoles of a cell's instances. Only hashes are kept: who reads the table gets into no console."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db import rows
from minicloud.db.cell.models import console_auth_tokens as t
from minicloud.objects import ConsoleToken
from minicloud.states import VM

_COLUMNS = rows.fields_of(t, ConsoleToken)

#: States of a server whose guest runs on where it was, so that its consoles do as well.
_KEEP: Final = (VM.ACTIVE, VM.PAUSED, VM.ERROR)


def hashed(token: str) -> str:
    """What is kept of a token. It is random and long, so that no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def create(conn: Connection, token: ConsoleToken, now: datetime) -> None:
    conn.execute(t.insert().values(**rows.to_values(t, token, created_at=now)))


def find(conn: Connection, token: str, now: datetime) -> ConsoleToken | None:
    """What a token stands for; None when it is unknown or has expired."""
    query = sa.select(*_COLUMNS).where(t.c.token_hash == hashed(token), t.c.expires_at > now)
    row = conn.execute(query).first()
    return None if row is None else rows.to_struct(ConsoleToken, row)


def forget(conn: Connection, instance_uuid: str) -> None:
    """Make all tokens of a server void."""
    conn.execute(t.delete().where(t.c.instance_uuid == instance_uuid))


def clean(conn: Connection, now: datetime) -> int:
    """Remove what has expired; how much it was."""
    return conn.execute(t.delete().where(t.c.expires_at <= now)).rowcount


def are_void_after(changes: Mapping[str, Any]) -> bool:
    """Whether a change of a server's record ends its consoles: it stops, moves, or gets another guest."""
    return "host" in changes or changes.get("vm_state", VM.ACTIVE) not in _KEEP
