# SPDX-License-Identifier: Apache-2.0
"""``minicloud-manage cell_v2``: the cells themselves."""

from __future__ import annotations

import argparse
from typing import Any

from oslo_config import cfg

from minicloud.cmd.manage import hosts
from minicloud.cmd.manage.base import Refused, api_database, cells, masked, print_table
from minicloud.cmd.setup import databases
from minicloud.cmd.setup.cells import NO_TRANSPORT, cell_transport_url, map_cell, new_uuid
from minicloud.db.api import mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.session import Connection
from minicloud.objects import CELL0_UUID, CellMapping

# The exit codes are those that tools around cells know; each stands beside its reason.


def create(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Record a cell.

    Exit code 1: no such address; 2: another cell has one of the addresses.
    """
    transport_url = _address(args.transport_url or cell_transport_url(conf), "transport URL")
    database_url = _address(args.database_connection or _configured(conf, "cell"), "database connection")
    with api_database(conf) as api_db, api_db.writer() as conn:
        _refuse_shared(mappings.cells(conn), transport_url, database_url, 2)
        cell = CellMapping(
            uuid=new_uuid(conn),
            name=args.name or conf.cells.name,
            transport_url=transport_url,
            database_url=database_url,
            disabled=args.disabled,
        )
        mappings.create_cell(conn, cell)
    if args.verbose:
        print(cell.uuid)
    return 0


def map_cell0(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Record cell0; one that is recorded stays as it is."""
    database_url = _address(args.database_connection or _configured(conf, "cell0"), "database connection")
    with api_database(conf) as api_db:
        if any(cell.is_cell0 for cell in cells(api_db)):
            print("Cell0 is already set up.")
            return 0
        map_cell(api_db, name="cell0", transport_url=NO_TRANSPORT, database_url=database_url, uuid=CELL0_UUID)
    return 0


def simple_cell_setup(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """cell0, the configuration's cell and its hosts.

    Exit code 1: the cell is there, but no host of it reports.
    """
    transport_url = _address(args.transport_url or cell_transport_url(conf), "transport URL")
    with api_database(conf) as api_db:
        if not any(cell.is_cell0 for cell in cells(api_db)):
            address = _configured(conf, "cell0")
            map_cell(api_db, name="cell0", transport_url=NO_TRANSPORT, database_url=address, uuid=CELL0_UUID)
        cell = map_cell(
            api_db, name=conf.cells.name, transport_url=transport_url, database_url=_configured(conf, "cell")
        )
        found = hosts.discover_in(api_db, cell)
    if not found:
        raise Refused("No hosts report in this cell yet. Run minicloud-manage cell_v2 discover_hosts once they do.")
    return 0


def list_all(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """All cells; their passwords only when asked for."""
    shown = str if args.verbose else masked
    with api_database(conf) as api_db:
        rows = [
            (cell.name, cell.uuid, shown(cell.transport_url), shown(cell.database_url), cell.disabled)
            for cell in sorted(cells(api_db), key=lambda one: (not one.is_cell0, one.name))
        ]
    print_table(("Name", "UUID", "Transport URL", "Database Connection", "Disabled"), rows)
    return 0


def update(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Change a cell; an address that is not given follows the configuration, as long as it is not cell0's.

    Exit code 1: no such cell; 2: no such address; 3: another cell has one of the addresses;
    4: both --disable and --enable; 5: cell0 cannot be disabled.
    """
    with api_database(conf) as api_db, api_db.writer() as conn:
        known = mappings.cells(conn)
        cell = next((one for one in known if one.uuid == args.cell_uuid), None)
        if cell is None:
            raise Refused(f"Cell with uuid {args.cell_uuid} was not found.")
        if args.disable and args.enable:
            raise Refused("A cell cannot be disabled and enabled at the same time.", 4)
        if cell.is_cell0 and (args.disable or args.enable):
            raise Refused("Cell0 cannot be disabled.", 5)
        changes = _changes(conf, args, cell)
        others = [one for one in known if one.uuid != cell.uuid]
        _refuse_shared(others, changes["transport_url"], changes["database_url"], 3)
        mappings.update_cell(conn, cell.uuid, **changes)
    return 0


def _changes(conf: cfg.ConfigOpts, args: argparse.Namespace, cell: CellMapping) -> dict[str, Any]:
    transport, database = args.transport_url, args.database_connection
    follows = not (transport or database or args.name or args.disable or args.enable or cell.is_cell0)
    if follows:
        transport, database = cell_transport_url(conf), _configured(conf, "cell")
    changes: dict[str, Any] = {
        "transport_url": _address(transport or cell.transport_url, "transport URL", 2),
        "database_url": _address(database or cell.database_url, "database connection", 2),
    }
    if args.name:
        changes["name"] = args.name
    if args.disable or args.enable:
        changes["disabled"] = args.disable
    return changes


def delete(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Forget a cell.

    Exit code 1: no such cell; 2: it has hosts; 3: it has instances, which --force does not change;
    4: instances that are deleted are still mapped to it.
    """
    with api_database(conf) as api_db, api_db.writer() as conn:
        if args.cell_uuid not in {cell.uuid for cell in mappings.cells(conn)}:
            raise Refused(f"Cell with uuid {args.cell_uuid} was not found.")
        inside = mappings.inhabitants(conn, args.cell_uuid)
        if inside.hosts and not args.force:
            raise Refused(f"The cell has {inside.hosts} hosts. --force forgets them too.", 2)
        if inside.living:
            raise Refused(f"The cell has {inside.living} instances. Delete or move them first.", 3)
        if inside.deleted and not args.force:
            raise Refused(f"{inside.deleted} deleted instances are mapped to the cell. --force forgets them too.", 4)
        _forget(conn, args.cell_uuid)
    return 0


def _forget(conn: Connection, uuid: str) -> None:
    for provider in placement_db.providers(conn, cell_uuid=uuid):
        placement_db.delete_provider(conn, provider.uuid)
    mappings.evict(conn, uuid)
    mappings.delete_cell(conn, uuid)


def _configured(conf: cfg.ConfigOpts, name: str) -> str:
    """The URL of a database as the configuration has it."""
    with databases.opened(conf, name) as db:
        return databases.address(db)


def _address(url: str, what: str, code: int = 1) -> str:
    """
    :raises Refused: for what is no URL
    """
    scheme, separator, _ = url.partition("://")
    if not scheme or not separator:
        # Not the value: a password may be in it.
        raise Refused(f"The {what} is no URL such as scheme://user:password@host/path.", code)
    return url


def _refuse_shared(others: list[CellMapping], transport_url: str, database_url: str, code: int) -> None:
    for cell in others:
        if database_url == cell.database_url or (transport_url == cell.transport_url and not cell.is_cell0):
            what = "database connection" if database_url == cell.database_url else "transport URL"
            raise Refused(f"Cell {cell.name} ({cell.uuid}) has that {what} already.", code)
