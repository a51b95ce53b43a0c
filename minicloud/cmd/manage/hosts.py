# SPDX-License-Identifier: Apache-2.0
"""``minicloud-manage cell_v2``: the hosts of cells."""

from __future__ import annotations

import argparse
import sys

from oslo_config import cfg

from minicloud.cmd.manage.base import Refused, api_database, cells, first_line, print_table
from minicloud.cmd.setup import databases
from minicloud.db.api import mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import compute_nodes, instances
from minicloud.db.session import Database
from minicloud.objects import CellMapping
from minicloud.placement import providers


def discover(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Map hosts that report in their cell and that the API does not know yet.

    Exit code 1: no such cell, or one that does not answer, or with --strict nothing new.
    """
    new = failed = 0
    with api_database(conf) as api_db:
        for cell in cells(api_db, args.cell_uuid):
            if cell.is_cell0:
                continue
            _say(args, f"Looking for compute nodes in cell {cell.name} ({cell.uuid})")
            try:
                found = discover_in(api_db, cell)
            except Exception as error:  # whatever its database's driver raises: the other cells go on
                print(f"Cell {cell.name} does not answer: {first_line(error)}", file=sys.stderr)
                failed += 1
                continue
            for host, is_new in found.items():
                _say(args, f"Host {host}: {'mapped now' if is_new else 'known'}")
            new += sum(found.values())
    _say(args, f"{new} new hosts")
    return 1 if failed or (args.strict and not new) else 0


def discover_in(api_db: Database, cell: CellMapping) -> dict[str, bool]:
    """Map the hosts of a cell's compute nodes and make their resource providers.

    :returns: host -> whether its mapping is new
    """
    with databases.opened_cell(cell) as db, db.reader() as conn:
        nodes = compute_nodes.find(conn)
    found: dict[str, bool] = {}
    for node in nodes:
        _, is_new = providers.keep_node(api_db, node, cell.uuid)
        found[node.host] = found.get(node.host, False) or is_new
    return found


def list_all(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Hosts by cell. Exit code 1: no such cell."""
    with api_database(conf) as api_db:
        names = {cell.uuid: cell.name for cell in cells(api_db, args.cell_uuid)}
        with api_db.reader() as conn:
            found = mappings.hosts(conn, args.cell_uuid)
    rows = sorted((names.get(uuid, ""), uuid, host) for host, uuid in found.items())
    print_table(("Cell Name", "Cell UUID", "Hostname"), rows)
    return 0


def delete(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Forget a host.

    Exit code 1: no such cell; 2: no such host; 3: it is in another cell; 4: it has instances.
    """
    with api_database(conf) as api_db:
        (cell,) = cells(api_db, args.cell_uuid)
        with api_db.reader() as conn:
            where = mappings.hosts(conn).get(args.host)
        if where is None:
            raise Refused(f"The host {args.host} was not found.", 2)
        if where != cell.uuid:
            raise Refused(f"The host {args.host} is not in the cell {cell.uuid}.", 3)
        with databases.opened_cell(cell) as db, db.writer() as conn:
            if instances.on_host(conn, args.host):
                raise Refused(f"There are instances on the host {args.host}.", 4)
            # Else the scheduler would map it anew at its next look.
            compute_nodes.delete(conn, args.host)
        with api_db.writer() as conn:
            mappings.unmap_host(conn, args.host)
            for provider in placement_db.providers(conn, host=args.host):
                placement_db.delete_provider(conn, provider.uuid)
    return 0


def _say(args: argparse.Namespace, text: str) -> None:
    if args.verbose:
        print(text)
