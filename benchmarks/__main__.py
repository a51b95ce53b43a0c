# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks``: start a cloud, drive it over HTTP, print what it takes.

It prints and never fails for being slow: other work of the machine counts too. What must hold
is counted by tests/functional/test_budget.py instead.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.guests import run as guests
from benchmarks.guests.cloud import KINDS, Unfit
from benchmarks.many import ManyProcesses
from benchmarks.measures import SERVERS, Bench
from benchmarks.process import Cloud, OneProcess
from benchmarks.table import Row, head, line, write


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done."""

    rounds: int = 200
    requests: int = 2000
    singles: int = 30
    boots: int = 200
    many: int = 1000


QUICK = Sizes(rounds=50, requests=400, singles=10, boots=50, many=200)
#: Of a cloud of many processes, where a boot takes several times as long.
MANY = Sizes(rounds=100, requests=1000, singles=20, boots=100, many=100)
MANY_QUICK = Sizes(rounds=50, requests=400, singles=10, boots=30, many=100)

_SIZES = {(False, False): Sizes(), (False, True): QUICK, (True, False): MANY, (True, True): MANY_QUICK}


@dataclass(slots=True)
class Run:
    sizes: Sizes
    kind: type[Cloud]
    say: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, dict[str, float]] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)

    def add(self, *args: Any, **more: Any) -> None:
        if self.kind is not OneProcess:
            more.pop("aim", None)  # which is what one process should reach
        row = Row(*args, **more)
        self.rows.append(row)
        self.say(line(row))

    def everything(self, folder: Path) -> None:
        with self.kind(folder) as cloud:
            self.floors = floors.measure(cloud.transport_url, cloud.database_url)
            for name, value in self.floors.items():
                self.add(f"floor: {name}", value, "ms")
            self.add(f"start, {cloud.FRESH}", cloud.start(), "s", cpu=cloud.cpu_seconds() * 1000, aim="< 5")
            bench = Bench(cloud)
            self.add("memory, idle", cloud.memory_mb(), "MB", aim="< 200")
            self.add("threads, idle", cloud.threads(), "")
            self.requests(bench)
            self.boots(bench)
            self.lists(bench)
            self.add("memory, after all that", cloud.memory_mb(), "MB")
            cloud.stop()
            self.add("start, again", cloud.start(), "s", cpu=cloud.cpu_seconds() * 1000)

    def latency(self, bench: Bench, name: str, path: str, aim: str = "") -> None:
        taken = bench.latency(path, self.sizes.rounds)
        self.add(name, taken.median, "ms", p95=taken.p95, cpu=taken.cpu, floor=self.floors["http_get"], aim=aim)

    def requests(self, bench: Bench) -> None:
        self.latency(bench, "GET / (versions)", "/compute/", "< 2")
        self.latency(bench, "GET /flavors", "/compute/v2.1/flavors")
        self.latency(bench, "GET /servers/detail, 0 servers", f"{SERVERS}/detail")
        rate, cpu = bench.rate(lambda: bench.requests("/compute/v2.1/flavors", self.sizes.requests))
        self.add("GET /flavors, 8 clients", rate, "/s", cpu=cpu, floor=self.floors["http_get"])

    def boots(self, bench: Bench) -> None:
        chain = self.floors["rpc_cast_chain"] + self.floors["http_get"]
        taken = bench.latency_of_boot(self.sizes.singles)
        self.add("boot to ACTIVE", taken.median, "ms", p95=taken.p95, cpu=taken.cpu, floor=chain, aim="< 40")
        self.counts["boot"], cpu = bench.cost(bench.boot, 20)
        self.add("boot, nobody looking", cpu, "ms", cpu=cpu)
        self.add("boot, SQL statements", self.total("boot", "sql "), "")
        self.add("boot, transactions", self.total("boot", "commit "), "")
        self.add("boot, messages", self.total("boot", "rpc "), "")
        rate, cpu = bench.rate(lambda: bench.boots(self.sizes.boots))
        self.add(f"{self.sizes.boots} boots, 8 clients", rate, "/s", cpu=cpu, floor=chain, aim=">= 60")
        rate, cpu = bench.rate(bench.delete_all)
        self.add("deletes, 8 clients", rate, "/s", cpu=cpu)

    def lists(self, bench: Bench) -> None:
        rate, cpu = bench.rate(lambda: bench.boot_many(100))
        self.add("100 servers in one request", 100 / rate, "s", cpu=cpu, aim="< 2")
        self.latency(bench, "GET /servers/detail, 100 servers", f"{SERVERS}/detail", "< 15")
        if (rest := self.sizes.many - 100) > 0:
            while rest > 0:
                bench.boot_many(min(100, rest))
                rest -= 100
            self.latency(bench, f"GET /servers/detail, {self.sizes.many} servers", f"{SERVERS}/detail", "< 80")
        self.latency(bench, f"GET /servers, {self.sizes.many} servers", SERVERS)

    def total(self, what: str, prefix: str) -> float:
        return sum(value for name, value in self.counts[what].items() if name.startswith(prefix))


def _guests(args: argparse.Namespace) -> None:
    """Real guests: see :mod:`benchmarks.guests`."""
    print(head("max"))
    try:
        rows = guests.run(args.driver, args.guests, 1 if args.quick else 3, args.image, _say)
    except Unfit as error:
        sys.exit(str(error))
    write(args.json, rows, {})


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: under a minute")
    parser.add_argument("--many", action="store_true", help="many processes, on RabbitMQ and MariaDB")
    parser.add_argument("--driver", choices=sorted(KINDS), help="real guests instead, by this driver; needs root")
    parser.add_argument("--guests", type=int, metavar="N", help="with --driver: so many at once (default: 20 or 5)")
    parser.add_argument("--image", type=Path, metavar="FILE", help="with --driver: what build-guest has made")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), help="where the numbers go as well")
    args = parser.parse_args()
    # As Ctrl-C does: what was started ends, what was made is dropped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    if args.driver:
        _guests(args)
        return
    kind = ManyProcesses if args.many else OneProcess
    run = Run(_SIZES[args.many, args.quick], kind, _say)
    print(head())
    with tempfile.TemporaryDirectory(prefix="minicloud-bench-") as folder:
        run.everything(Path(folder))
    for name, value in run.counts["boot"].items():
        print(f"    {value:5.2f}  {name}")
    write(args.json, run.rows, run.counts)


if __name__ == "__main__":
    main()
