# SPDX-License-Identifier: Apache-2.0
"""Making cells known to the API."""

from __future__ import annotations

from uuid import uuid4

from oslo_config import cfg

from minicloud.cmd.setup import databases
from minicloud.db.api import mappings
from minicloud.db.session import Connection, Database
from minicloud.objects import CELL0_UUID, CellMapping

#: Of the first cell of every cloud.
CELL1_UUID = "00000000-0000-0000-0000-000000000001"

#: The first cell's transport when everything runs in one process.
LOCAL_CELL = "local:///cell1"

#: cell0 has nobody to talk to.
NO_TRANSPORT = "none:///"


def cell_transport_url(conf: cfg.ConfigOpts) -> str:
    """Where the conductor and the computes of this configuration's cell meet."""
    if url := conf.cells.transport_url:
        return str(url)
    top = str(conf.transport_url)
    return LOCAL_CELL if top.startswith("local:") else top


def map_cell0(conf: cfg.ConfigOpts, api_db: Database) -> CellMapping:
    """Bring cell0's database up to date and make cell0 known; its address follows the configuration."""
    with databases.opened(conf, "cell0") as db:
        databases.sync(db, "cell0")
        database_url = databases.address(db)
    return map_cell(api_db, name="cell0", transport_url=NO_TRANSPORT, database_url=database_url, uuid=CELL0_UUID)


def map_cell(
    api_db: Database, *, name: str, transport_url: str, database_url: str, uuid: str | None = None
) -> CellMapping:
    """Record a cell, or what is new of the one with that name or database.

    :param uuid: of a new cell; see :func:`new_uuid`
    """
    with api_db.writer() as conn:
        cells = mappings.cells(conn)
        known = next((one for one in cells if name == one.name or database_url == one.database_url), None)
        if known is None:
            known = CellMapping(
                uuid=uuid or new_uuid(conn), name=name, transport_url=transport_url, database_url=database_url
            )
            mappings.create_cell(conn, known)
        wanted = known.replace(name=name, transport_url=transport_url, database_url=database_url)
        if wanted != known:
            mappings.update_cell(conn, known.uuid, name=name, transport_url=transport_url, database_url=database_url)
    return wanted


def new_uuid(conn: Connection) -> str:
    """For a new cell: the first one has a fixed uuid, the others random ones."""
    is_first = CELL1_UUID not in {one.uuid for one in mappings.cells(conn)}
    return CELL1_UUID if is_first else str(uuid4())
