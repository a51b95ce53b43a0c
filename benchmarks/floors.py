# SPDX-License-Identifier: Apache-2.0
"""What the libraries alone cost: the floor below which no operation of minicloud can go.

Each floor is a part of booting a server with nothing of minicloud's in it but its wiring:
an HTTP request through waitress and pecan, the casts from API to scheduler to compute, one
row written and committed. ``python -m benchmarks.floors`` prints them; :func:`measure`
returns them.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import oslo_messaging as messaging
import pecan
import pecan.core
import sqlalchemy as sa
import waitress.server

from minicloud import conf as options
from minicloud import context
from minicloud.db.session import Database
from minicloud.rpc import base
from minicloud.web import app as web_app

#: Importing minicloud.web tunes pecan; named here so that nobody takes the import for unused.
TUNED_BY = web_app.__name__

ROUNDS = 300
WARM_UP = 30


def timed(action: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median of an action's duration, in ms."""
    for _ in range(WARM_UP):
        action()
    durations = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations) * 1000


class Hello:
    """The smallest pecan controller that answers JSON."""

    @pecan.expose("json")  # type: ignore[untyped-decorator]  # pecan is untyped
    def index(self) -> dict[str, str]:
        return {"hello": "world"}


@contextmanager
def serving(application: Any) -> Iterator[int]:
    """An application behind waitress on a free port, which is yielded."""
    server = waitress.server.create_server(application, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        server.close()
        thread.join(5)


def web() -> float:
    """One GET on a kept-alive connection: waitress, WSGI, pecan, JSON."""
    with serving(pecan.core.Pecan(Hello())) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def get() -> None:
            connection.request("GET", "/")
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or b"hello" not in body:
                raise RuntimeError(f"{response.status} {body!r}")

        try:
            return timed(get)
        finally:
            connection.close()


class Hop:
    """An endpoint that does nothing but pass on, or tell that the last one was reached."""

    target = messaging.Target(version="1.0")

    def __init__(self, then: Callable[[context.RequestContext], None]) -> None:
        self._then = then

    def build(self, ctxt: context.RequestContext) -> None:
        self._then(ctxt)


def _stub(topic: str, transport: Any) -> base.Stub:
    stub: base.Stub = type("HopStub", (base.Stub,), {"TOPIC": topic})(transport)
    return stub


@contextmanager
def transport(url: str) -> Iterator[Any]:
    made = base.get_transport(options.new(files=[]), url)
    try:
        yield made
    finally:
        made.cleanup()


def casts(url: str = "local:///floor") -> float:
    """From the API's cast until compute runs: API → scheduler → compute."""
    ctxt = context.admin()
    arrived = threading.Semaphore(0)
    with transport(url) as wire:
        scheduler, compute = _stub("floor-scheduler", wire), _stub("floor-compute", wire)
        servers = [
            base.Server(wire, "floor-compute", "host", [Hop(lambda _ctxt: arrived.release())]),
            base.Server(wire, "floor-scheduler", "s", [Hop(lambda c: compute.cast(c, "build", server="host"))]),
        ]
        for server in servers:
            server.start()

        def chain() -> None:
            scheduler.cast(ctxt, "build")
            if not arrived.acquire(timeout=10):
                raise RuntimeError("a cast got lost")

        try:
            return timed(chain)
        finally:
            for server in reversed(servers):
                server.stop()


def call(url: str = "local:///floor") -> float:
    """One call with an empty answer, as a compute's to its conductor."""
    with transport(url) as wire:
        server = base.Server(wire, "floor-conductor", "c", [Hop(lambda _ctxt: None)])
        server.start()
        stub, ctxt = _stub("floor-conductor", wire), context.admin()
        try:
            return timed(lambda: stub.call(ctxt, "build"))
        finally:
            server.stop()


def commit(url: str | None = None) -> float:
    """One INSERT and its COMMIT, on SQLite in a file unless a URL is given."""
    table = sa.Table(
        "benchmark_floor",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.String(64)),
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url or f"sqlite:///{Path(folder) / 'floor.sqlite'}", name="floor")
        with database.writer() as conn:
            table.create(conn)

        def insert() -> None:
            with database.writer() as conn:
                conn.execute(sa.insert(table).values(text="x" * 36))

        try:
            return timed(insert)
        finally:
            with database.writer() as conn:
                table.drop(conn)
            database.dispose()


def measure(transport_url: str | None = None, database_url: str | None = None) -> dict[str, float]:
    """All floors in ms, median of :data:`ROUNDS`; in this process and on SQLite unless URLs are given."""
    wire = transport_url or "local:///floor"
    return {
        "http_get": web(),
        "rpc_cast_chain": casts(wire),
        "rpc_call": call(wire),
        "db_insert_commit": commit(database_url),
    }


if __name__ == "__main__":
    print(json.dumps({name: round(value, 3) for name, value in measure().items()}, indent=2))
