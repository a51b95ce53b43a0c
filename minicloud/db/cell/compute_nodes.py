# SPDX-License-Identifier: Apache-2.0
"""Hypervisor nodes of a cell."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db import rows
from minicloud.db.cell.models import compute_nodes as t
from minicloud.db.cell.models import services
from minicloud.objects import ComputeNode

_COLUMNS = rows.fields_of(t, ComputeNode)


def save(conn: Connection, node: ComputeNode, now: datetime) -> ComputeNode:
    """Make or renew the record of a node, found by host and name; it keeps its uuid."""
    where = (t.c.host == node.host, t.c.hypervisor_hostname == node.hypervisor_hostname)
    known = conn.execute(sa.select(t.c.id, t.c.uuid, t.c.created_at).where(*where)).first()
    service_id = conn.scalar(
        sa.select(services.c.id).where(services.c.host == node.host, services.c.binary == "minicloud-compute")
    )
    values = rows.to_values(t, node, updated_at=now, service_id=service_id or 0)
    if known is None:
        values.update(uuid=node.uuid or str(uuid.uuid4()), created_at=now)
        conn.execute(t.insert().values(**values))
    else:
        values.update(uuid=known.uuid, created_at=known.created_at)
        conn.execute(t.update().where(t.c.id == known.id).values(**values))
    return rows.to_struct(ComputeNode, conn.execute(sa.select(*_COLUMNS).where(*where)).one())


def find(conn: Connection, **equal: Any) -> list[ComputeNode]:
    """Nodes whose columns equal the arguments (host, uuid, id …)."""
    where = [t.c[name] == value for name, value in equal.items()]
    query = sa.select(*_COLUMNS).where(*where).order_by(t.c.id)
    return [rows.to_struct(ComputeNode, row) for row in conn.execute(query)]


def delete(conn: Connection, host: str) -> None:
    """Forget all nodes of a host."""
    conn.execute(t.delete().where(t.c.host == host))
