# SPDX-License-Identifier: Apache-2.0
"""The clouds these tests run on: real processes, started once for all tests of a run."""

from __future__ import annotations

import abc
import atexit
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import requests
import sqlalchemy as sa

from minicloud import conf as configuration
from minicloud.cmd import credentials, first_start
from minicloud.cmd.parts import Parts, close
from minicloud.cmd.setup.cells import map_cell
from tests.functional import backends
from tests.functional.client import Client, wait

ROOT = Path(__file__).parents[2]
HOSTS = 4

#: MiB of a fake host: a flavor of an eighth of it fits eight times.
MEMORY = 64 * 1024

_OPTIONS = {
    "DEFAULT": {
        "report_interval": "1",
        "service_down_time": "4",
        "rpc_response_timeout": "10",
        "use_stderr": "true",
    },
    "front_end": {"threads": "24"},
    "cells": {"timeout": "2"},
    "fake": {"memory_mb": str(MEMORY)},
    "conductor": {"reconcile_interval": "1"},
    "scheduler": {"refresh_interval": "1", "recovery_interval": "1", "recovery_age": "3"},
    "quota": {"instances": "-1", "cores": "-1", "ram": "-1", "server_group_members": "-1"},
}

Options = dict[str, dict[str, str]]


class Process:
    """One program of a cloud."""

    def __init__(self, name: str, command: list[str], log: Path, where: Sequence[str] = ()) -> None:
        """
        :param where: a command that runs the program elsewhere, such as in a namespace
        """
        self.name = name
        self._command = command
        self._where = where
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self._offset = self.log_size()
        with self._log.open("ab") as log:
            command = [*self._where, sys.executable, "-m", *self._command]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, cwd=ROOT
            )

    def wait_until_ready(self, last_service: re.Pattern[str]) -> None:
        def ready() -> bool:
            if self._process is None or self._process.poll() is not None:
                raise AssertionError(f"{self.name} ended:\n{self.log_text()[-3000:]}")
            return last_service.search(self.log_text()) is not None

        wait(ready, lambda: f"{self.name} did not start:\n{self.log_text()[-3000:]}", 60)

    def log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def log_text(self, since: int | None = None) -> str:
        """What has been logged since a size, or else by this run."""
        with self._log.open("rb") as log:
            log.seek(self._offset if since is None else since)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """As ``kill -9`` or the power supply does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            return process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None


_READY = re.compile(r"Service \S+ started in")


class Cloud(abc.ABC):
    """A cloud that runs."""

    #: Made once in this process.
    running: ClassVar[dict[type[Cloud], Cloud]] = {}

    @classmethod
    def get(cls) -> Cloud:
        """The cloud of this shape, started when it is asked for first.

        :raises unittest.SkipTest: when a service that it needs is not there
        """
        if cls not in cls.running:
            cloud = cls()
            atexit.register(cloud.close)
            cloud.start()
            cls.running[cls] = cloud
        return cls.running[cls]

    @classmethod
    def end(cls) -> None:
        """Stop the cloud of this shape, if there is one: what comes next needs its connections."""
        if (cloud := cls.running.pop(cls, None)) is not None:
            cloud.close()
            atexit.unregister(cloud.close)

    def __init__(self) -> None:
        self._cleanup = ExitStack()
        self.folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="many-")))
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, Process] = {}

    @abc.abstractmethod
    def start(self) -> None: ...

    @property
    @abc.abstractmethod
    def hosts(self) -> dict[str, str]:
        """Compute host -> the name of its process."""

    @property
    def is_many(self) -> bool:
        return len(self.processes) > 1

    def close(self) -> None:
        """Stop all and remove what was made; with MINICLOUD_TEST_KEEP_LOGS the logs stay."""
        stops = [threading.Thread(target=one.stop) for one in self.processes.values()]
        for thread in stops:
            thread.start()
        for thread in stops:
            thread.join()
        if keep := os.environ.get("MINICLOUD_TEST_KEEP_LOGS"):
            Path(keep).mkdir(parents=True, exist_ok=True)
            for log in self.folder.glob("*.log"):
                (Path(keep) / f"{type(self).__name__}-{log.name}").write_bytes(log.read_bytes())
        self._cleanup.close()

    def login(self, user: str, project: str | None = None) -> Client:
        return Client.login(self.url, user, self.passwords[user], project or user)

    @property
    def passwords(self) -> dict[str, str]:
        return credentials.load_or_create(self.folder)

    def guests(self) -> dict[str, set[str]]:
        """Host -> guests of its hypervisor, read from where the fake one keeps them."""
        import json

        found: dict[str, set[str]] = {}
        for host in self.hosts:
            found[host] = set()
            journal = self.folder / "fake" / host / "guests.jsonl"
            for line in journal.read_text().splitlines() if journal.exists() else ():
                change = json.loads(line)
                (found[host].add if change.get("guest") else found[host].discard)(change["uuid"])
        return found

    def allocations(self) -> list[tuple[str, str, str, int]]:
        """(provider's name, consumer, resource class, amount) of everything that is claimed."""
        query = (
            "SELECT p.name, a.consumer_uuid, a.resource_class, a.used "
            "FROM allocations a JOIN resource_providers p ON a.provider_uuid = p.uuid"
        )
        with self.api_engine.connect() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    @property
    def api_engine(self) -> sa.Engine:
        if not hasattr(self, "_engine"):
            self._engine = sa.create_engine(self.api_url)
            self._cleanup.callback(self._engine.dispose)
        return self._engine

    api_url = ""

    def _write(self, name: str, *layers: Options) -> Path:
        path = self.folder / f"{name}.conf"
        merged: Options = {}
        for layer in layers:
            for group, options in layer.items():
                merged.setdefault(group, {}).update(options)
        lines = [
            f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in options.items()) for group, options in merged.items()
        ]
        path.write_text("\n".join(lines))
        return path

    def _base(self) -> Options:
        return {
            "DEFAULT": {"state_dir": str(self.folder), "host": "host"},
            "front_end": {"port": str(self.port)},
        }

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/compute/", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def hosts_up(self) -> int:
        found = self.login("admin").compute("/os-hypervisors/detail")["hypervisors"]
        return len([one for one in found if one["state"] == "up"])

    def until_whole(self) -> None:
        """Wait until all hosts are up."""
        wait(self.answers, lambda: "the API does not answer", 60)
        wait(lambda: self.hosts_up() == HOSTS, lambda: f"{self.hosts_up()} hosts are up", 60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OneProcess(Cloud):
    """``local://`` and SQLite: the default."""

    def start(self) -> None:
        path = self._write("minicloud", _OPTIONS, self._base())
        self.api_url = f"sqlite:///{self.folder}/api.sqlite"
        command = ["tests.functional.one_process", str(path), str(HOSTS)]
        self.processes["all"] = Process("all", command, self.folder / "all.log")
        self.processes["all"].start()
        self.until_whole()

    @property
    def hosts(self) -> dict[str, str]:
        return {f"host-{number}": "all" for number in range(1, HOSTS + 1)}


class ManyProcesses(Cloud):
    """RabbitMQ, a database server, two cells with two hosts each."""

    server: ClassVar[str]

    def start(self) -> None:
        urls = backends.databases(self.server, self._cleanup)
        transports = backends.virtual_hosts(("top", "cell1", "cell2"), self._cleanup)
        self.api_url = urls["api"]
        target = sa.make_url(urls["cell2"])
        self.road = backends.Road(str(target.host), int(target.port or 0))
        #: As the API and the scheduler know it; the cell's own conductor goes straight.
        self._far_url = target.set(host="127.0.0.1", port=self.road.port).render_as_string(hide_password=False)
        own = {name: urls[name] for name in ("api", "cell0", "identity", "image", "network")}
        own["max_pool_size"] = "2"  # nine programs share what connections a database server has by default
        proxy = {"serialproxy_port": str(_free_port())}
        top: Options = {"DEFAULT": {"transport_url": transports["top"]}, "database": own, "serial_console": proxy}
        cells: dict[str, Options] = {
            name: {"cells": {"name": name, "transport_url": transports[name]}, "database": {"cell": urls[name]}}
            for name in ("cell1", "cell2")
        }
        self._prepare(top, cells)
        base = (_OPTIONS, self._base(), top)
        self._add("api", *base)
        self._add("network", *base)
        self._add("scheduler", *base)
        self._add("serialproxy", *base)
        for name, cell in cells.items():
            self._add("conductor", *base, cell, {"DEFAULT": {"host": name}}, suffix=f"-{name}")
        for host, cell_name in self.cell_of.items():
            self._add("compute", *base, cells[cell_name], {"DEFAULT": {"host": host}}, suffix=f"-{host}")
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.wait_until_ready(_READY)
        self.until_whole()

    cell_of: ClassVar = {"host-1": "cell1", "host-2": "cell1", "host-3": "cell2", "host-4": "cell2"}

    @property
    def hosts(self) -> dict[str, str]:
        return {host: f"compute-{host}" for host in self.cell_of}

    def _prepare(self, top: Options, cells: dict[str, Options]) -> None:
        """What an operator does before the first start."""
        first = self._parts("first", top, cells["cell1"])
        first_start.prepare(first, self.passwords)
        second = self._parts("second", top, cells["cell2"])
        first_start.add_cell(second)
        map_cell(
            second.api_db,
            name="cell2",
            transport_url=cells["cell2"]["cells"]["transport_url"],
            database_url=self._far_url,
        )
        for parts in (first, second):
            close(parts)

    def _parts(self, name: str, *layers: Options) -> Parts:
        return Parts(configuration.new(files=[str(self._write(name, _OPTIONS, self._base(), *layers))]))

    def _add(self, program: str, *layers: Options, suffix: str = "") -> None:
        name = program + suffix
        path = self._write(name, *layers)
        command = [f"minicloud.cmd.services.{program}", "--config-file", str(path)]
        self.processes[name] = Process(name, command, self.folder / f"{name}.log")


class MariaDB(ManyProcesses):
    server = backends.MARIADB


class PostgreSQL(ManyProcesses):
    server = backends.POSTGRESQL
