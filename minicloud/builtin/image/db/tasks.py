# SPDX-License-Identifier: Apache-2.0
"""Import tasks in the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.builtin.image import errors
from minicloud.builtin.image.db import models
from minicloud.builtin.image.records import TaskRecord

TASKS: Final = models.Base.metadata.tables["tasks"]

#: How long a finished task can be looked up.
KEPT = timedelta(hours=48)
_RUNNING = ("pending", "processing")


def add(conn: Connection, task: TaskRecord) -> None:
    """Keep a task, and forget those whose time is over."""
    conn.execute(TASKS.delete().where(TASKS.c.expires_at < task.created_at))
    conn.execute(TASKS.insert().values({name: getattr(task, name) for name in task.__struct_fields__}))


def change(conn: Connection, task_id: str, status: str, moment: datetime, **values: Any) -> None:
    """Record how a task goes; one that is over stays as it is."""
    if status not in _RUNNING:
        values["expires_at"] = moment + KEPT
    where = (TASKS.c.id == task_id, TASKS.c.status.in_(_RUNNING))
    conn.execute(TASKS.update().where(*where).values(status=status, updated_at=moment, **values))


def of_image(conn: Connection, image_id: str) -> list[TaskRecord]:
    query = sa.select(TASKS).where(TASKS.c.image_id == image_id).order_by(TASKS.c.created_at.desc(), TASKS.c.id)
    return [TaskRecord(**row._mapping) for row in conn.execute(query)]


def find(conn: Connection, limit: int, marker: str | None = None, status: str | None = None) -> list[TaskRecord]:
    """A page of all tasks, newest first.

    :raises InvalidMarker: when the marker is no task
    """
    query = sa.select(TASKS).order_by(TASKS.c.created_at.desc(), TASKS.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(TASKS.c.status == status)
    if marker is not None:
        try:
            last = get(conn, marker)
        except errors.TaskNotFound:
            raise exception.InvalidMarker(marker=marker) from None
        older = TASKS.c.created_at < last.created_at
        query = query.where(sa.or_(older, sa.and_(TASKS.c.created_at == last.created_at, TASKS.c.id < last.id)))
    return [TaskRecord(**row._mapping) for row in conn.execute(query)]


def get(conn: Connection, task_id: str) -> TaskRecord:
    """
    :raises TaskNotFound: when there is none, or its time is over
    """
    row = conn.execute(sa.select(TASKS).where(TASKS.c.id == task_id)).first()
    if row is None:
        raise errors.TaskNotFound(task_id=task_id)
    return TaskRecord(**row._mapping)


def interrupt(conn: Connection, moment: datetime) -> None:
    """Fail what was running when the service went down."""
    values = {"status": "failure", "message": "The service was stopped.", "expires_at": moment + KEPT}
    conn.execute(TASKS.update().where(TASKS.c.status.in_(_RUNNING)).values(updated_at=moment, **values))
