# SPDX-License-Identifier: Apache-2.0
"""Counts SQL statements and messages of a process from outside of its code.

A process whose environment has ``MINICLOUD_BENCHMARK_COUNTS`` writes its counts to the file
of that name at every SIGUSR1; nothing in minicloud knows of it. Tests use :func:`counting`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from minicloud.rpc.base import Stub

VARIABLE = "MINICLOUD_BENCHMARK_COUNTS"

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+[\"`]?(\w+)", re.IGNORECASE)


class Counters:
    """What happened so far, by ``sql|rpc`` and a short name such as ``cell UPDATE instances``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def read(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def statement(self, conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """SQLAlchemy's ``before_cursor_execute``."""
        verb = statement.split(None, 1)[0].upper()
        table = _TABLE.search(statement)
        self.count(f"sql {_database(conn)} {verb}{f' {table[1]}' if table else ''}")

    def transaction(self, conn: Any) -> None:
        """SQLAlchemy's ``commit``: no statement to it, but a cost."""
        self.count(f"commit {_database(conn)}")


def _database(conn: Any) -> str:
    """What a database is for: ``cell1`` of the file ``cell1.sqlite`` and of the database ``bench_12_cell1``."""
    return Path(conn.engine.url.database or "").stem.rpartition("_")[2]


@contextmanager
def counting() -> Iterator[Counters]:
    """Count everything of this process for a while."""
    counters = Counters()
    call, cast = Stub.call, Stub.cast

    def counted(kind: str, send: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(stub: Stub, ctxt: Any, method: str, **more: Any) -> Any:
            counters.count(f"rpc {kind} {stub.TOPIC}.{method}")
            return send(stub, ctxt, method, **more)

        return wrapper

    sa.event.listen(sa.Engine, "before_cursor_execute", counters.statement)
    sa.event.listen(sa.Engine, "commit", counters.transaction)
    Stub.call, Stub.cast = counted("call", call), counted("cast", cast)  # type: ignore[method-assign]
    try:
        yield counters
    finally:
        Stub.call, Stub.cast = call, cast  # type: ignore[method-assign]
        sa.event.remove(sa.Engine, "before_cursor_execute", counters.statement)
        sa.event.remove(sa.Engine, "commit", counters.transaction)


def install_if_asked() -> None:
    """Count until the process ends, when the environment says where to."""
    if not (target := os.environ.get(VARIABLE)):
        return
    context = counting()
    counters = context.__enter__()

    def write(_number: int, _frame: Any) -> None:
        draft = Path(f"{target}.new")
        draft.write_text(json.dumps(counters.read()))
        draft.rename(target)

    signal.signal(signal.SIGUSR1, write)
    # Otherwise the generator would be collected, and its end would take the counters away.
    install_if_asked.keep = context  # type: ignore[attr-defined]
