# SPDX-License-Identifier: Apache-2.0
"""Limits that were set for projects, and tags of resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import CHUNK

_QUOTAS: Any = models.Quota.__table__
_TAGS: Any = models.Tag.__table__
_LIMITS = sa.select(_QUOTAS.c.resource, _QUOTAS.c.limit).where(_QUOTAS.c.project_id == sa.bindparam("wanted"))


def limits(conn: Connection, project_id: str) -> dict[str, int]:
    """Resource -> limit, where one was set for the project."""
    return {row[0]: row[1] for row in conn.execute(_LIMITS, {"wanted": project_id})}


def projects(conn: Connection) -> list[str]:
    """Projects that have limits of their own."""
    return list(conn.execute(sa.select(_QUOTAS.c.project_id).distinct().order_by(_QUOTAS.c.project_id)).scalars())


def set_limits(conn: Connection, project_id: str, values: Mapping[str, int]) -> None:
    clear(conn, project_id, list(values))
    rows = [{"project_id": project_id, "resource": name, "limit": limit} for name, limit in values.items()]
    if rows:
        conn.execute(sa.insert(_QUOTAS), rows)


def clear(conn: Connection, project_id: str, resources: Sequence[str] | None = None) -> None:
    """Back to the defaults, for all resources or some."""
    query = sa.delete(_QUOTAS).where(_QUOTAS.c.project_id == project_id)
    conn.execute(query if resources is None else query.where(_QUOTAS.c.resource.in_(resources)))


def tags(conn: Connection, resource_ids: Sequence[str]) -> dict[str, list[str]]:
    """Resource id -> its tags, sorted."""
    found: dict[str, list[str]] = {key: [] for key in resource_ids}
    for at in range(0, len(resource_ids), CHUNK):
        query = sa.select(_TAGS).where(_TAGS.c.resource_id.in_(resource_ids[at : at + CHUNK])).order_by(_TAGS.c.tag)
        for key, tag in conn.execute(query):
            found[key].append(tag)
    return found


def set_tags(conn: Connection, resource_id: str, wanted: Sequence[str]) -> None:
    conn.execute(sa.delete(_TAGS).where(_TAGS.c.resource_id == resource_id))
    if wanted:
        conn.execute(sa.insert(_TAGS), [{"resource_id": resource_id, "tag": tag} for tag in dict.fromkeys(wanted)])
