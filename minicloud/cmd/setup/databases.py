# SPDX-License-Identifier: Apache-2.0
"""Which databases a cloud has, and the migrations of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oslo_config import cfg
from oslo_log import log as logging

from minicloud.builtin.identity import db as identity
from minicloud.builtin.image import db as image
from minicloud.builtin.network import db as network
from minicloud.db import api, cell, migrate
from minicloud.db.session import Database, open_database
from minicloud.objects import CellMapping

LOG = logging.getLogger(__name__)

#: option of ``[database]`` -> where the history of that database is
MIGRATIONS = {
    "api": api.MIGRATIONS,
    "cell0": cell.MIGRATIONS,
    "cell": cell.MIGRATIONS,
    "identity": identity.MIGRATIONS,
    "image": image.MIGRATIONS,
    "network": network.MIGRATIONS,
}

#: Those of the built-in services.
NEIGHBOURS = ("identity", "image", "network")


def sync(db: Database, name: str, target: str = "head") -> bool:
    """Bring a database to a revision.

    :param name: which of :data:`MIGRATIONS` it is
    :returns: whether anything was done
    """
    done = migrate.sync(db, MIGRATIONS[name], target)
    if done:
        LOG.info("Migrated database %s", db.name)
    return done


@contextmanager
def opened(conf: cfg.ConfigOpts, name: str) -> Iterator[Database]:
    """A database that the configuration names, closed at the end."""
    db = open_database(conf, name)
    try:
        yield db
    finally:
        db.dispose()


@contextmanager
def opened_cell(cell: CellMapping) -> Iterator[Database]:
    """The database of a cell, over one connection, closed at the end."""
    db = Database(cell.database_url, name=cell.name, pool_size=1)
    try:
        yield db
    finally:
        db.dispose()


def address(db: Database) -> str:
    """Its URL with the password, as a cell mapping keeps it."""
    return str(db.url.render_as_string(hide_password=False))
