# SPDX-License-Identifier: Apache-2.0
"""``minicloud doctor``: what was lost sight of, or left behind."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from oslo_config import cfg

from minicloud.cmd import remembered
from minicloud.cmd.commands.base import Lister, Refused, as_it_runs
from minicloud.cmd.commands.databases import api_database, cell_databases
from minicloud.cmd.commands.process import AlreadyRunning, Home
from minicloud.cmd.commands.status import state
from minicloud.cmd.doctor import rounds
from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.checks import CHECKS
from minicloud.db.cell import services
from minicloud.db.session import Database, open_database
from minicloud.web.moments import now

#: The exit code while something is wrong.
SICK = 1


class Doctor(Lister):
    """Compare what the cloud's databases say with what this machine has, and tell what does not go together.

    Nothing is changed without --fix. The exit code is 0 when nothing is wrong, or all of it was mended, else 1.
    It works while the cloud runs, then taking for wrong only what stays so for some seconds, and while it is down.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--fix", action="store_true", help="mend what is found, and tell what was done")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        conf = as_it_runs(parsed_args)
        with opened(conf, Home(conf.state_dir), alone=parsed_args.fix) as case:
            found = rounds.look(case, CHECKS)
            if parsed_args.fix:
                found = list(rounds.mend(case, CHECKS, found))
        if not all(each.is_mended for each in found):
            self.code = SICK
        if not found:
            print("Nothing is wrong.", file=sys.stderr)
        columns = ("Check", "Subject", "Host", "Finding", *(("Repair",) if parsed_args.fix else ()))
        return columns, [
            (each.check, each.finding.subject, each.finding.host, each.finding.text, each.repair)[: len(columns)]
            for each in found
        ]


@contextmanager
def opened(conf: cfg.ConfigOpts, home: Home, *, alone: bool) -> Iterator[Case]:
    """The case of a cloud.

    :param alone: see to it that a cloud which does not run is not started meanwhile
    :raises Refused: when there is no such cloud, or a database does not answer
    """
    run = remembered.last(conf.state_dir)
    hosts = run.hosts if run else (str(conf.host),)
    record = home.running()
    lock = home.lock() if alone and record is None and home.pid_file.parent.is_dir() else nullcontext()
    try:
        with lock, api_database(conf) as api, cell_databases(api) as cells, _network(conf) as network:
            case = Case(conf, hosts, api, cells, network, record.started_at if record else None)
            if run is None and _is_served(case):
                # By programs of their own, of which nobody knows here when they were started.
                case.started_at = 0.0
            try:
                yield case
            finally:
                case.close()
    except AlreadyRunning:
        raise Refused("The cloud is just starting: try again in a moment.") from None


def _is_served(case: Case) -> bool:
    """Whether a compute service of this machine has been heard of lately."""
    since = now() - timedelta(seconds=case.conf.service_down_time)
    found = case.ask(lambda conn: services.find(conn, binary="minicloud-compute"))
    return any(one.host in case.hosts and state(one, since) != "down" for _, several in found for one in several)


@contextmanager
def _network(conf: cfg.ConfigOpts) -> Iterator[Database | None]:
    """The built-in network service's database; None where there is none."""
    if not conf.database.network and not (Path(conf.state_dir) / "network.sqlite").exists():
        yield None
        return
    db = open_database(conf, "network")
    try:
        yield db
    finally:
        db.dispose()
