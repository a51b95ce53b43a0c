# SPDX-License-Identifier: Apache-2.0
"""What has to be in order before services are started with a new release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck
from oslo_upgradecheck.upgradecheck import Code, Result

from minicloud import conf as configuration
from minicloud.cmd.setup import databases
from minicloud.db import migrate
from minicloud.db.api import mappings
from minicloud.db.cell import compute_nodes, services
from minicloud.db.session import UNUSABLE, Connection, Database
from minicloud.objects import CellMapping

T = TypeVar("T")


class Checks(upgradecheck.UpgradeCommands):
    """The checks, in the order in which they make sense; each works while services run."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def databases_at_head(self) -> Result:
        wrong: list[str] = []
        cells = {f"cell {cell.name}": cell for cell in self._cells()}
        named = ["api", *databases.NEIGHBOURS] if cells else list(databases.MIGRATIONS)
        for name in named:
            with databases.opened(self._conf, name) as db:
                wrong += _not_at_head(db, name, name)
        for title, cell in cells.items():
            with databases.opened_cell(cell) as db:
                wrong += _not_at_head(db, title, "cell")
        command = "minicloud-manage api_db sync, db sync and service_db sync bring them up to date."
        return _verdict(wrong, Code.FAILURE, command)

    def cells_mapped(self) -> Result:
        cells = self._cells()
        missing = [] if any(cell.is_cell0 for cell in cells) else ["cell0 is not mapped"]
        if all(cell.is_cell0 for cell in cells):
            missing.append("no cell is mapped")
        return _verdict(missing, Code.FAILURE, "minicloud-manage cell_v2 simple_cell_setup does it.")

    def hosts_mapped(self) -> Result:
        with databases.opened(self._conf, "api") as db:
            known = _read(db, mappings.hosts) or {}
        lost = []
        for cell in self._cells():
            with databases.opened_cell(cell) as db:
                nodes = _read(db, compute_nodes.find) or []
            lost += [node.host for node in nodes if known.get(node.host) != cell.uuid]
        problem = [f"hosts that are not mapped: {', '.join(sorted(set(lost)))}"] if lost else []
        return _verdict(problem, Code.WARNING, "minicloud-manage cell_v2 discover_hosts maps them.")

    def services_of_one_version(self) -> Result:
        found: dict[int, list[str]] = {}
        for cell in self._cells():
            with databases.opened_cell(cell) as db:
                for one in _read(db, services.find) or []:
                    found.setdefault(one.version, []).append(f"{one.binary} on {one.host}")
        if len(found) < 2:
            return Result(Code.SUCCESS)
        newest = max(found)
        old = [f"{who} ({version})" for version in sorted(found) if version != newest for who in found[version]]
        return _verdict([f"older than version {newest}: {', '.join(old)}"], Code.WARNING, "Start them anew.")

    _upgrade_checks = (
        ("Databases", databases_at_head),
        ("Cells", cells_mapped),
        ("Hosts", hosts_mapped),
        ("Service versions", services_of_one_version),
    )

    def _cells(self) -> list[CellMapping]:
        with databases.opened(self._conf, "api") as db:
            return _read(db, mappings.cells) or []


def run(argv: list[str]) -> int:
    conf = configuration.registered()
    return int(upgradecheck.main(conf, "minicloud", Checks(conf), argv=argv))


def _read(db: Database, query: Callable[[Connection], T]) -> T | None:
    """What a query finds; None in a database that is not there or has no tables, which is another check's to tell."""
    try:
        if migrate.version(db) is None:
            return None
        with db.reader() as conn:
            return query(conn)
    except UNUSABLE:
        return None


def _not_at_head(db: Database, title: str, name: str) -> Iterator[str]:
    head = migrate.head(databases.MIGRATIONS[name])
    try:
        found = migrate.version(db)
    except UNUSABLE:
        yield f"{title} does not answer"
        return
    if found != head:
        yield f"{title} is {'empty' if found is None else f'at {found}'}, not at {head}"


def _verdict(problems: list[str], code: Code, remedy: str) -> Result:
    return Result(code, f"{'; '.join(problems)}. {remedy}") if problems else Result(Code.SUCCESS)
