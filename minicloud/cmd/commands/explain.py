# SPDX-License-Identifier: Apache-2.0
"""``minicloud explain``: what the scheduler thought about a server."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from uuid import UUID

from minicloud.cmd.commands.base import Lister, Refused, configuration
from minicloud.cmd.commands.databases import api_database, cell_databases
from minicloud.db.api import build_requests
from minicloud.db.cell import listing
from minicloud.db.session import Database
from minicloud.objects import Decision

COLUMNS = ("Attempt", "Host", "Step", "Reason")


class Explain(Lister):
    """Tell why a server is on its host, or on none: what the scheduler decided, host by host."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("server", help="id or name of the server; a deleted one only by its id")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        with api_database(configuration(parsed_args)) as api:
            uuid = find(api, parsed_args.server)
            with api.reader() as conn:
                decisions = build_requests.decisions_of(conn, uuid)
        if not decisions:
            raise Refused(f"The scheduler has decided nothing about {parsed_args.server}.")
        return COLUMNS, list(rows(decisions))


def rows(decisions: Iterable[Decision]) -> Iterable[tuple[object, ...]]:
    """The decisions as a table: for each attempt what was chosen, and then why not the others."""
    for one in decisions:
        weight = "" if one.weight is None else f"weight {one.weight:.3f}, "
        verdict = f"{weight}{one.considered} host{'' if one.considered == 1 else 's'} considered"
        if one.chosen and not one.considered:
            verdict = "next best of the first attempt"
        yield one.attempt, one.chosen or "-", "chosen" if one.chosen else "none chosen", verdict
        for why in one.reasons:
            yield one.attempt, why.host, why.step, why.reason


def find(api: Database, server: str) -> str:
    """The id of a server, by its id or name.

    :raises Refused: when it is not there, or its name is not its alone
    """
    try:
        return str(UUID(server))
    except ValueError:
        found = sorted({*_waiting(api, server), *_in_cells(api, server)})
    if not found:
        raise Refused(f"There is no server with the name or id {server!r}.")
    if len(found) > 1:
        raise Refused(f"More than one server is called {server!r}; say which: {', '.join(found)}")
    return found[0]


def _waiting(api: Database, name: str) -> list[str]:
    """Servers that no cell has yet."""
    with api.reader() as conn:
        return [one.instance.uuid for one in build_requests.find(conn) if one.instance.display_name == name]


def _in_cells(api: Database, name: str) -> Iterable[str]:
    # The filter is a search for a pattern, and what it finds may be longer.
    query = listing.InstanceQuery(filters={"name": re.escape(name), "deleted": False})
    with cell_databases(api) as cells:
        for _, db in cells:
            with db.reader() as conn:
                yield from (one.uuid for one in listing.find(conn, query) if one.display_name == name)
