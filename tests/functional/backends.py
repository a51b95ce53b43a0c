# SPDX-License-Identifier: Apache-2.0
"""Fresh databases and virtual hosts for one cloud, and a road to a database that can be closed."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
import unittest
import uuid
from contextlib import ExitStack
from urllib.parse import quote

import sqlalchemy as sa

BROKER = os.environ.get("MINICLOUD_TEST_RABBIT", "127.0.0.1:5672")
MARIADB = os.environ.get("MINICLOUD_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/mysql")
POSTGRESQL = os.environ.get("MINICLOUD_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

#: Databases of a cloud of two cells.
DATABASES = ("api", "cell0", "cell1", "cell2", "identity", "image", "network")


def absent(what: str, error: Exception) -> Exception:
    """What to raise when a service is not there: the tests are skipped, unless all must run."""
    if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
        return error
    return unittest.SkipTest(f"{what} is not there: {error}")


def databases(server: str, cleanup: ExitStack) -> dict[str, str]:
    """Empty databases, each by its name in :data:`DATABASES`, dropped in the end.

    :param server: URL of a database server
    """
    mark = uuid.uuid4().hex[:8]
    url = sa.make_url(server)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    cleanup.callback(engine.dispose)
    made = {}
    try:
        for name in DATABASES:
            _run(engine, f"CREATE DATABASE mcf_{mark}_{name}")
            cleanup.callback(_drop, engine, f"mcf_{mark}_{name}")
            made[name] = url.set(database=f"mcf_{mark}_{name}").render_as_string(hide_password=False)
    except sa.exc.OperationalError as error:
        raise absent(f"the database server at {url.host}:{url.port}", error) from None
    return made


def _run(engine: sa.Engine, statement: str) -> None:
    with engine.connect() as conn:
        conn.exec_driver_sql(statement)


def _drop(engine: sa.Engine, name: str) -> None:
    # PostgreSQL refuses while somebody is connected, and a process that was just killed may look so for a moment.
    _run(engine, f"DROP DATABASE {name}" + (" WITH (FORCE)" if engine.dialect.name == "postgresql" else ""))


def virtual_hosts(names: tuple[str, ...], cleanup: ExitStack) -> dict[str, str]:
    """Transport URLs of fresh virtual hosts by name, removed in the end."""
    host, port = BROKER.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        return {name: _virtual_host(f"mcf-{uuid.uuid4().hex[:8]}-{name}", cleanup) for name in names}
    except (OSError, subprocess.CalledProcessError) as error:
        raise absent(f"RabbitMQ at {BROKER}, with a rabbitmqctl that may make virtual hosts,", error) from None


def _virtual_host(name: str, cleanup: ExitStack) -> str:
    _rabbitmqctl("add_vhost", name)
    cleanup.callback(_rabbitmqctl, "delete_vhost", name)
    _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    return f"rabbit://guest:guest@{BROKER}/{quote(name, safe='')}"


def _rabbitmqctl(*arguments: str) -> None:
    subprocess.run(("rabbitmqctl", "-q", *arguments), check=True, capture_output=True, timeout=60)


class Road:
    """A TCP road to a server; while it is closed connections break, while it is blocked nothing moves."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._state = "open"
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def close(self) -> None:
        """Break every connection, and refuse new ones."""
        self._state = "closed"
        # Closing alone does not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in (end for pair in self._pairs for end in pair):
                _hang_up(one)
            self._pairs.clear()

    def block(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._state = "blocked"

    def open(self) -> None:
        """Let everything through again."""
        was, self._state = self._state, "open"
        if was == "closed":
            self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        try:
            while True:
                ready, _, _ = select.select((near, far), (), (), 0.2 if self._state == "blocked" else None)
                for one in ready if self._state != "blocked" else ():
                    data = one.recv(65536)
                    if self._state == "blocked":
                        break  # lost on the way, as on a dead line
                    if not data:
                        return
                    other[one].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            _hang_up(near)
            _hang_up(far)


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
