# SPDX-License-Identifier: Apache-2.0
"""How every component reaches its database: one engine, visible readers and writers.

``with db.reader() as conn`` and ``with db.writer() as conn`` each are one transaction on
one connection; repository functions take that connection, so that several of them can
share a transaction. Never send a message inside one.

Errors arrive as oslo.db's (``DBDuplicateEntry``, ``DBDeadlock`` …) on every database.
"""

from __future__ import annotations

import functools
import math
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import exc_filters
from oslo_log import log as logging
from sqlalchemy import exc as sa_exc
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection as Connection  # for those who pass one on and know no SQL
from sqlalchemy.engine import Engine
from sqlalchemy.types import TypeDecorator

from minicloud import exception

LOG = logging.getLogger(__name__)

__all__ = [
    "UNUSABLE",
    "Connection",
    "Database",
    "Json",
    "Moment",
    "Typed",
    "open_database",
    "retry_on_deadlock",
    "retry_on_race",
]

P = ParamSpec("P")
T = TypeVar("T")

_WRITER = {"minicloud_writer": True}
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)


class Json(TypeDecorator[Any]):
    """A JSON document in a text column, alike on every database and quick to read."""

    impl = sa.Text
    cache_ok = True
    _decode: Callable[[str], Any] = msgspec.json.Decoder().decode

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(mysql.LONGTEXT() if dialect.name == "mysql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        # Not process_result_value, which costs three calls for each of a page's thousands of values.
        decode = self._decode
        return lambda value: None if value is None else decode(value)


class Typed(Json):
    """A JSON document that is read straight into a type: ``Typed(Flavor)``, ``Typed(tuple[Vif, ...])``."""

    cache_ok = True

    def __init__(self, shape: Any, *, common: bool = False) -> None:
        """
        :param common: most rows have one of few values, which are read once and shared
        """
        super().__init__()
        self.shape = shape
        self.common = common
        decode = msgspec.json.Decoder(shape).decode
        self._decode = functools.lru_cache(maxsize=256)(decode) if common else decode


#: A moment in UTC with microseconds, naive as in all of OpenStack's databases.
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")


def _sqlite(url: sa.URL, pool_size: int, _patience: float | None) -> Engine:
    if url.database and url.database != ":memory:":
        # It has hashes, users' data and other databases' passwords; -wal and -shm get the same mode.
        # One that is there is not opened: closing it would drop all locks that this process has on it (see fcntl(2)),
        # and the next process to leave the database would take itself for the last and remove its log under us.
        with suppress(FileExistsError):
            os.close(os.open(url.database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=-1,
        connect_args={"timeout": 30, "check_same_thread": False},
        poolclass=sa.pool.QueuePool,
        # An error that is logged must not tell passwords' hashes.
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # we say BEGIN ourselves
        for pragma in _SQLITE_PRAGMAS:
            dbapi.execute(pragma)
        dbapi.create_function("regexp", 2, _regexp, deterministic=True)

    @sa.event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        # A writer takes the write lock at once: upgrading later is what "database is
        # locked" comes from.
        if conn.get_execution_options().get("minicloud_writer"):
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # Takes no lock, so it cannot fail; SQLAlchemy's way costs twenty times as much.
            conn.connection.cursor().execute("BEGIN")

    return engine


def _regexp(pattern: str, value: Any) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


#: What connecting raises: oslo.db knows only some of the drivers' errors at this point.
_UNREACHABLE = (db_exc.DBConnectionError, sa_exc.OperationalError, sa_exc.TimeoutError)

#: What a database that cannot be used just now raises, in all its forms.
UNUSABLE = (exception.ServiceUnavailable, db_exc.DBError, sa_exc.DBAPIError, sa_exc.TimeoutError)

#: How servers say that they have as many connections as they may.
_FULL = re.compile("too many (clients|connections)|remaining connection slots|max_user_connections", re.IGNORECASE)

#: Seconds between tries to get a connection of a server that is full.
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)

#: Connections beyond the pool's, closed after use.
_MORE = 4

#: Seconds for connecting; and those of silence after which a connection is dead.
_CONNECT = 10
_SILENCE = 30


def _patient(url: sa.URL, patience: float | None) -> dict[str, Any]:
    """What makes a driver give up on a server that is not there any more."""
    connect = _CONNECT if patience is None else max(2, math.ceil(patience))  # psycopg takes no less than 2
    if url.get_backend_name() == "mysql":
        # Not for all: a migration may be silent for long.
        bounds = {} if patience is None else dict.fromkeys(("read_timeout", "write_timeout"), connect + _SILENCE)
        return {"connect_timeout": connect, **bounds}
    return {
        "connect_timeout": connect,
        "keepalives_idle": _SILENCE // 2,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": _SILENCE * 1000,
    }


def _server(url: sa.URL, pool_size: int, patience: float | None) -> Engine:
    # READ COMMITTED: a claim's second try must see what the first one lost to.
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=_MORE,
        pool_pre_ping=True,
        pool_recycle=3600,
        connect_args=_patient(url, patience),
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )


class Database:
    """One component's database."""

    def __init__(self, url: str, *, name: str = "", pool_size: int = 16, patience: float | None = None) -> None:
        """
        :param url: an SQLAlchemy URL: sqlite:///, mysql+pymysql://, postgresql+psycopg://
        :param name: what logs call it
        :param patience: seconds for connecting to a server, and a bound for the silence of one that is far away
        """
        self.url = sa.make_url(url)
        self.name = name or (self.url.database or "")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = (_sqlite if self.is_sqlite else _server)(self.url, pool_size, patience)
        exc_filters.register_engine(self.engine)
        # Threads of one process queue here, fairly; SQLite's own busy handler would sleep.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """One transaction that only reads."""
        with self._connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """One transaction that writes: committed at the end, rolled back on an exception."""
        with self._turn, self._connect() as conn:
            conn = conn.execution_options(**_WRITER)
            with conn.begin():
                yield conn

    def _connect(self) -> Connection:
        """
        :raises ServiceUnavailable: when the server cannot be reached, or has no connection free for long
        """
        for pause in (*_PAUSES, None):
            try:
                return self.engine.connect()
            except _UNREACHABLE as error:
                if pause is None or not _FULL.search(str(error)):
                    LOG.warning("Database %s cannot be reached: %s", self.name, error)
                    raise exception.ServiceUnavailable(reason=f"the database {self.name} does not answer") from error
                time.sleep(random.uniform(0.5, 1.0) * pause)
        raise AssertionError("the last pause is None")

    def dispose(self) -> None:
        self.engine.dispose()


def open_database(conf: cfg.ConfigOpts, name: str) -> Database:
    """The database an option of ``[database]`` names; by default SQLite under ``state_dir``."""
    url = conf.database[name]
    if not url:
        folder = Path(conf.state_dir)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = f"sqlite:///{folder / name}.sqlite"
    return Database(url, name=name, pool_size=conf.database.max_pool_size)


def retry_on_deadlock(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function that is one whole transaction again when the database chose it as a victim."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(9):
            try:
                return function(*args, **kwargs)
            except db_exc.DBDeadlock:
                time.sleep(random.uniform(0.005, 0.02) * 2 ** min(attempt, 5))
        return function(*args, **kwargs)

    return wrapper


def retry_on_race(function: Callable[P, T]) -> Callable[P, T]:
    """As :func:`retry_on_deadlock`, for a transaction that makes a row unless it is there.

    Two may find nothing and both make it; the second of them finds it when it looks again.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return retry_on_deadlock(function)(*args, **kwargs)
        except db_exc.DBDuplicateEntry:
            return retry_on_deadlock(function)(*args, **kwargs)

    return wrapper
