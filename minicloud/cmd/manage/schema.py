# SPDX-License-Identifier: Apache-2.0
"""``minicloud-manage db | api_db | service_db``: the tables of each database."""

from __future__ import annotations

import argparse

from oslo_config import cfg

from minicloud.cmd.manage.base import Refused
from minicloud.cmd.setup import databases
from minicloud.db import migrate
from minicloud.db.api import mappings
from minicloud.db.session import Database
from minicloud.objects import CellMapping


def sync(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """The cell's database, and cell0's."""
    if not args.local_cell:
        known = _mapped_cell0(conf)
        if known is None:
            _sync_named(conf, "cell0", args.version)
        else:
            with databases.opened_cell(known) as db:
                _sync(db, "cell0", args.version)
    _sync_named(conf, "cell", args.version)
    return 0


def version(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    print(_version(conf, "cell"))
    return 0


def sync_api(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    _sync_named(conf, "api", args.version)
    return 0


def version_api(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    print(_version(conf, "api"))
    return 0


def sync_services(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    for name in [args.service] if args.service else databases.NEIGHBOURS:
        _sync_named(conf, name, None)
    return 0


def version_services(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    if args.service:
        print(_version(conf, args.service))
        return 0
    for name in databases.NEIGHBOURS:
        print(name, _version(conf, name))
    return 0


def _version(conf: cfg.ConfigOpts, name: str) -> str:
    with databases.opened(conf, name) as db:
        return migrate.version(db) or "none"


def _sync_named(conf: cfg.ConfigOpts, name: str, target: str | None) -> None:
    with databases.opened(conf, name) as db:
        _sync(db, name, target)


def _sync(db: Database, name: str, target: str | None) -> None:
    try:
        databases.sync(db, name, target or "head")
    except migrate.UnknownVersion as error:
        raise Refused(f"Database {name}: {error}") from None


def _mapped_cell0(conf: cfg.ConfigOpts) -> CellMapping | None:
    """cell0 as the API knows it; None when it does not yet."""
    with databases.opened(conf, "api") as db:
        if migrate.version(db) is None:
            return None
        with db.reader() as conn:
            return next((cell for cell in mappings.cells(conn) if cell.is_cell0), None)
