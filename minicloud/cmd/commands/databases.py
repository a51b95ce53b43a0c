# SPDX-License-Identifier: Apache-2.0
"""The cloud's databases, for commands that look into them while it runs or is down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oslo_config import cfg

from minicloud.cmd.commands.base import Refused
from minicloud.db import migrate
from minicloud.db.api import mappings
from minicloud.db.session import Database, open_database
from minicloud.objects import CellMapping


@contextmanager
def api_database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """The API database, which must be there already.

    :raises Refused: when it is not; nothing is made
    """
    if not conf.database.api and not (Path(conf.state_dir) / "api.sqlite").exists():
        raise Refused(f"There is no cloud at {conf.state_dir}: 'minicloud up' makes one.")
    db = open_database(conf, "api")
    try:
        if migrate.version(db) is None:
            raise Refused("The API database is empty: 'minicloud up' or 'minicloud-manage api_db sync' fills it.")
        yield db
    finally:
        db.dispose()


@contextmanager
def cell_databases(api: Database) -> Iterator[list[tuple[CellMapping, Database]]]:
    """The databases of all cells, cell0 too."""
    with api.reader() as conn:
        found = mappings.cells(conn)
    opened = [(cell, Database(cell.database_url, name=cell.name, pool_size=1)) for cell in found]
    try:
        yield opened
    finally:
        for _, db in opened:
            db.dispose()
