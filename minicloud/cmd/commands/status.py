# SPDX-License-Identifier: Apache-2.0
"""``minicloud status``: what runs."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cliff.columns import FormattableColumn
from oslo_config import cfg

from minicloud.cmd.commands import address, down, process
from minicloud.cmd.commands.base import Lister, Refused, as_it_runs
from minicloud.cmd.commands.databases import api_database, cell_databases
from minicloud.db.cell import services
from minicloud.db.session import Database
from minicloud.objects import Service
from minicloud.web.moments import now

COLUMNS = ("Service", "Host", "State", "PID", "Uptime", "RSS", "URL")

#: The front ends on the one port, by their prefix.
FRONT_ENDS = ("compute", "identity", "image", "network")

#: More hosts than these in the same state share a row unless all are asked for.
_MANY = 10

#: The exit code when nothing runs, as init scripts have it.
NOT_RUNNING = 3


class Part(NamedTuple):
    """One row: a service in a state."""

    service: str
    host: str
    state: str
    url: str = ""


class Seconds(FormattableColumn[Any]):
    """A duration, which people read in hours and minutes."""

    def human_readable(self) -> str:
        if self._value is None:
            return ""
        minutes, seconds = divmod(int(self._value), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"


class Bytes(FormattableColumn[Any]):
    """An amount of memory, which people read in megabytes."""

    def human_readable(self) -> str:
        return "" if self._value is None else f"{self._value / 1e6:.0f} MB"


class Status(Lister):
    """Show what runs, a row per service. The exit code is 3 when the cloud does not run."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--long", action="store_true", help="a row for every compute host, however many")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        conf = as_it_runs(parsed_args)
        record = process.Home(conf.state_dir).running()
        if record is None:
            print(f"minicloud is not running.{down.what_goes_on(conf)}", file=sys.stderr)
            self.code = NOT_RUNNING
            return COLUMNS, []
        parts = [*front_ends(record.local_url), *_services(conf)]
        used = process.usage(record.pid)
        common = (
            record.pid,
            Seconds(used.uptime if used else None),
            Bytes(used.rss if used else None),
        )
        return COLUMNS, [
            (one.service, one.host, one.state, *common, one.url)
            for one in (parts if parsed_args.long else gathered(parts))
        ]


def front_ends(url: str) -> list[Part]:
    """The API front ends: up when they answer at all."""
    urls = [f"{url}/{name}/" for name in FRONT_ENDS]
    # At the same time: a process that hangs should cost one timeout, not five.
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(address.status_of, urls if url else []))
    return [
        Part(f"api {name}", "", "up" if answer is not None and answer < 500 else "down", there)
        for name, there, answer in zip(FRONT_ENDS, urls, answers, strict=False)
        # Not every front end is in every cloud.
        if answer != 404
    ]


def _services(conf: cfg.ConfigOpts) -> list[Part]:
    """What the cells' databases say."""
    try:
        with api_database(conf) as api:
            return list(_of_cells(api, timedelta(seconds=conf.service_down_time)))
    except Refused:
        return []  # it is just starting for the first time


def _of_cells(api: Database, patience: timedelta) -> Iterator[Part]:
    with cell_databases(api) as cells:
        for cell, db in cells:
            try:
                with db.reader() as conn:
                    found = services.find(conn)
            except Exception as error:  # whatever its database's driver raises: this row is what there is to say
                yield Part(f"cell {cell.name}", "", f"unreachable ({type(error).__name__})")
                continue
            yield from (Part(one.binary, one.host, state(one, now() - patience)) for one in found)


def state(service: Service, seen_since: datetime) -> str:
    """up, down or disabled.

    :param seen_since: a heartbeat before is too old
    """
    if service.forced_down or service.last_seen_up is None or service.last_seen_up < seen_since:
        return "down"
    return "disabled" if service.disabled else "up"


def gathered(parts: list[Part]) -> Iterator[Part]:
    """The same, where many hosts in one state are one row."""
    counts = Counter((one.service, one.state) for one in parts)
    shown = set()
    for one in parts:
        kind = (one.service, one.state)
        if counts[kind] <= _MANY:
            yield one
        elif kind not in shown:
            shown.add(kind)
            yield one._replace(host=f"{counts[kind]} hosts")
