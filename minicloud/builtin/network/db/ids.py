# SPDX-License-Identifier: Apache-2.0
"""All that the books know by id, for those who look for what is in no book any more."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network.db import models

_TABLES: tuple[Any, ...] = tuple(model.__table__ for model in (models.Network, models.Router, models.Port))


def all_of(conn: Connection) -> tuple[set[str], set[str], set[str]]:
    """The ids of all networks, all routers and all ports."""
    networks, routers, ports = (set(conn.execute(sa.select(table.c.id)).scalars()) for table in _TABLES)
    return networks, routers, ports
