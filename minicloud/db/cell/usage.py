# SPDX-License-Identifier: Apache-2.0
"""Which instances ran in a period."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db.cell import instances
from minicloud.db.cell.models import instances as t
from minicloud.objects import Instance


def ran_between(conn: Connection, start: datetime, stop: datetime, project_id: str | None) -> list[Instance]:
    """Instances that ran at some moment of a period, deleted ones too, project by project, oldest first.

    :param project_id: None: of all projects
    """
    query = instances.everything().where(
        t.c.launched_at < stop, sa.or_(t.c.terminated_at.is_(None), t.c.terminated_at > start)
    )
    if project_id is not None:
        query = query.where(t.c.project_id == project_id)
    return instances.load(conn, query.order_by(t.c.project_id, t.c.launched_at, t.c.uuid))
