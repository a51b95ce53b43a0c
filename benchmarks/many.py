# SPDX-License-Identifier: Apache-2.0
"""A cloud of many processes on RabbitMQ and MariaDB, in databases and a virtual host of its own.

The servers are those of this machine, or where ``MINICLOUD_TEST_RABBIT`` and ``MINICLOUD_TEST_MARIADB``
say, as for the functional tests. What is made there is dropped in the end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from benchmarks.client import Client, Refused
from benchmarks.process import CONFIG, Cloud
from minicloud import conf as configuration
from minicloud.cmd import credentials, first_start
from minicloud.cmd.parts import Parts, close

BROKER = os.environ.get("MINICLOUD_TEST_RABBIT", "127.0.0.1:5672")
MARIADB = os.environ.get("MINICLOUD_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/mysql")

#: Program -> its processes, by name, which is also the host's.
PROGRAMS = {
    "api": ("api",),
    "network": ("network",),
    "scheduler": ("scheduler",),
    "conductor": ("conductor",),
    "compute": ("compute-1", "compute-2"),
}

_DATABASES = ("api", "cell0", "cell1", "identity", "image", "network", "floor")

_CONFIG = """\
[DEFAULT]
host = {name}
transport_url = {transport}
[front_end]
port = {port}
[cells]
name = cell1
[database]
api = {api}
cell0 = {cell0}
cell = {cell1}
identity = {identity}
image = {image}
network = {network}
[quota]
server_group_members = -1
"""


class ManyProcesses(Cloud):
    """API, network, scheduler, conductor and two computes."""

    FRESH = "fresh databases"
    SETTLE = 3.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with ExitStack() as undo:
            mark = uuid.uuid4().hex[:8]
            self._urls = _databases(f"bench_{mark}", undo)
            self.transport_url = _virtual_host(f"bench-{mark}", undo)
            self.database_url = self._urls["floor"]
            self._prepare()
            self._undo = undo.pop_all()

    def _prepare(self) -> None:
        """What an operator does before the first start."""
        parts = Parts(configuration.new(args=[], files=[str(self._write("setup"))]))
        try:
            first_start.prepare(parts, credentials.load_or_create(self.state))
        finally:
            close(parts)

    def _write(self, name: str) -> Path:
        path = self.folder / f"{name}.conf"
        own = _CONFIG.format(name=name, transport=self.transport_url, port=self.port, **self._urls)
        path.write_text(CONFIG.format(state=self.state, name=name) + own)
        return path

    def _commands(self) -> dict[str, list[str]]:
        return {
            name: ["benchmarks.service", program, "--config-file", str(self._write(name))]
            for program, names in PROGRAMS.items()
            for name in names
        }

    def _is_whole(self) -> bool:
        """Whether both hosts are up, and with them all that they need."""
        client = Client(self.port)
        try:
            client.log_in(self.admin_password)
            found = client.get("/compute/v2.1/os-hypervisors/detail")["hypervisors"]
        except Refused:
            return False
        return sorted(one["service"]["host"] for one in found if one["state"] == "up") == list(PROGRAMS["compute"])

    def close(self) -> None:
        with self._undo:
            super().close()


def _databases(mark: str, undo: ExitStack) -> dict[str, str]:
    """URLs of empty databases by name."""
    url = sa.make_url(MARIADB)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    undo.callback(engine.dispose)

    def run(statement: str) -> None:
        with engine.connect() as conn:
            conn.exec_driver_sql(statement)

    made = {}
    for name in _DATABASES:
        run(f"CREATE DATABASE {mark}_{name}")
        undo.callback(run, f"DROP DATABASE {mark}_{name}")
        made[name] = url.set(database=f"{mark}_{name}").render_as_string(hide_password=False)
    return made


def _virtual_host(name: str, undo: ExitStack) -> str:
    """Transport URL of a fresh virtual host."""
    host, port = BROKER.rsplit(":", 1)
    socket.create_connection((host, int(port)), timeout=2).close()
    # Before it is made: a busy broker may make it after rabbitmqctl was given up.
    undo.callback(_rabbitmqctl, "delete_vhost", name)
    _rabbitmqctl("add_vhost", name)
    _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    return f"rabbit://guest:guest@{BROKER}/{quote(name, safe='')}"


def _rabbitmqctl(*arguments: str) -> None:
    subprocess.run(("rabbitmqctl", "-q", *arguments), check=True, capture_output=True, timeout=60)
