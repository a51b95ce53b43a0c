# SPDX-License-Identifier: Apache-2.0
"""The agents on hosts, by their heartbeats."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network.db import models
from minicloud.builtin.network.entities import Agent
from minicloud.web.moments import now

_TABLE: Any = models.Agent.__table__


def all_of(conn: Connection) -> list[Agent]:
    """Every agent there ever was, by host."""
    return [Agent(**row) for row in conn.execute(sa.select(_TABLE).order_by(_TABLE.c.host)).mappings()]


def find(conn: Connection, **values: str) -> Agent | None:
    """The agent with an ``id`` or of a ``host``."""
    query = sa.select(_TABLE).where(*(_TABLE.c[name] == value for name, value in values.items()))
    row = conn.execute(query).mappings().first()
    return None if row is None else Agent(**row)


def report(conn: Connection, host: str, tunnel_ip: str, problems: dict[str, str], started_at: datetime | None) -> None:
    """
    :param started_at: when the agent has just started; None: it goes on
    """
    moment = now()
    values: dict[str, Any] = {"tunnel_ip": tunnel_ip, "problems": problems, "heartbeat_at": moment}
    if started_at is not None:
        values["started_at"] = started_at
    if not conn.execute(sa.update(_TABLE).where(_TABLE.c.host == host).values(**values)).rowcount:
        values = {"started_at": moment, **values, "id": str(uuid4()), "host": host, "created_at": moment}
        conn.execute(sa.insert(_TABLE), [values])


def delete(conn: Connection, key: str) -> bool:
    """
    :returns: whether it was there
    """
    return bool(conn.execute(sa.delete(_TABLE).where(_TABLE.c.id == key)).rowcount)
