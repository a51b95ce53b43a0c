# SPDX-License-Identifier: Apache-2.0
"""The cells of this cloud, as the API and the scheduler see them: a database and a transport each.

Computes and conductors never come here; they know only their own cell.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.db.api import mappings
from minicloud.db.cell import instances
from minicloud.db.session import UNUSABLE, Database
from minicloud.objects import CELL0_UUID, CellMapping, Instance
from minicloud.rpc.base import get_transport
from minicloud.rpc.compute import ComputeStub

LOG = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds after which the mappings are read again, so that new cells are found.
REFRESH = 30.0

#: Questions to one cell at the same time.
_ASKERS = 32


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, reachable."""

    mapping: CellMapping
    db: Database
    #: oslo_messaging transport; None for cell0, where nothing runs.
    transport: Any
    compute: ComputeStub | None

    @property
    def uuid(self) -> str:
        return self.mapping.uuid

    @property
    def name(self) -> str:
        return self.mapping.name


class Line:
    """The questions to one cell, in threads of their own: a cell that does not answer delays only who asks it.

    While questions are overdue, the cell is asked once in a while only, and the others are told at once.
    """

    def __init__(self, patience: float) -> None:
        """
        :param patience: seconds for an answer
        """
        self._patience = patience
        self._room = threading.BoundedSemaphore(_ASKERS)
        self._lock = threading.Lock()
        self._overdue: set[Future[Any]] = set()
        self._tried_at = 0.0

    def ask(self, question: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        if self._is_silent() or not self._room.acquire(timeout=self._patience):
            future.set_exception(FutureTimeout("earlier questions are not answered yet"))
        else:
            # Not a pool: its threads would keep the process from ending while a database is away.
            threading.Thread(target=self._work, args=(future, question), name="cells", daemon=True).start()
        return future

    def is_late(self, future: Future[Any]) -> None:
        """A question was not answered in time."""
        with self._lock:
            if not future.done():
                self._overdue.add(future)

    def _is_silent(self) -> bool:
        with self._lock:
            if not self._overdue:
                return False
            if time.monotonic() - self._tried_at < self._patience:
                return True
            self._tried_at = time.monotonic()
            return False

    def _work(self, future: Future[T], question: Callable[[], T]) -> None:
        try:
            future.set_result(question())
        except Exception as error:
            future.set_exception(error)
        finally:
            self._room.release()
            with self._lock:
                self._overdue.clear()


@dataclass(frozen=True, slots=True)
class Scattered(Generic[T]):
    """What the cells answered, and which did not."""

    answers: dict[str, T] = field(default_factory=dict)
    down: tuple[Cell, ...] = ()


class Cells:
    """All cells by their mappings; thread-safe, re-read now and then."""

    def __init__(self, conf: cfg.ConfigOpts, api_db: Database) -> None:
        self._conf = conf
        self._api_db = api_db
        self._lock = threading.Lock()
        self._cells: dict[str, Cell] = {}
        self._read_at = 0.0
        self._lines: dict[str, Line] = {}

    def all(self, *, disabled: bool = True) -> list[Cell]:
        """Every cell but cell0."""
        found = [cell for cell in self._fresh().values() if not cell.mapping.is_cell0]
        return found if disabled else [cell for cell in found if not cell.mapping.disabled]

    def with_cell0(self) -> list[Cell]:
        return list(self._fresh().values())

    @property
    def cell0(self) -> Cell:
        return self.get(CELL0_UUID)

    def get(self, uuid: str) -> Cell:
        """:raises CellMappingNotFound:"""
        cell = self._fresh().get(uuid) or self.refresh().get(uuid)
        if cell is None:
            raise exception.CellMappingNotFound(uuid=uuid)
        return cell

    def scatter(self, ask: Callable[[Cell], T], cells: Iterable[Cell] | None = None) -> Scattered[T]:
        """Ask cells at the same time; one that fails or is too slow is reported as down.

        Other errors (bad filters and the like) are raised: they are the caller's, not the cell's.
        """
        asked = list(self.with_cell0() if cells is None else cells)
        if all(cell.db.is_sqlite for cell in asked):
            return self._gather((cell, _done(ask, cell)) for cell in asked)
        return self._gather([(cell, self._line(cell).ask(functools.partial(ask, cell))) for cell in asked])

    def _line(self, cell: Cell) -> Line:
        return self._lines.setdefault(cell.uuid, Line(self._conf.cells.timeout))

    def _gather(self, pending: Iterable[tuple[Cell, Future[T]]]) -> Scattered[T]:
        answers: dict[str, T] = {}
        down: list[Cell] = []
        deadline = time.monotonic() + self._conf.cells.timeout
        for cell, future in pending:
            try:
                answers[cell.uuid] = future.result(max(0.0, deadline - time.monotonic()))
            except FutureTimeout:
                LOG.warning("Cell %s did not answer in %s s", cell.name, self._conf.cells.timeout)
                self._line(cell).is_late(future)
                down.append(cell)
            except UNUSABLE as error:
                # Only the first line: the others are the statement and its parameters.
                LOG.warning("Cell %s is down: %s", cell.name, str(error).partition("\n")[0])
                down.append(cell)
        return Scattered(answers, tuple(down))

    def instance(self, ctxt: RequestContext, uuid: str) -> tuple[Cell, Instance]:
        """An instance that has reached a cell, and that cell.

        :raises InstanceNotFound: when it has not, or is deleted, or the caller may not see it
        """
        with self._api_db.reader() as conn:
            mapping = mappings.get(conn, uuid)
        if mapping.cell_uuid is None or not ctxt.may_see(mapping.project_id):
            raise exception.InstanceNotFound(instance_id=uuid)
        cell = self.get(mapping.cell_uuid)
        with cell.db.reader() as conn:
            return cell, instances.get(conn, uuid)

    def refresh(self) -> dict[str, Cell]:
        """Read the mappings now."""
        with self._api_db.reader() as conn:
            found = mappings.cells(conn)
        with self._lock:
            self._cells = {one.uuid: self._open(one, self._cells.get(one.uuid)) for one in found}
            self._read_at = time.monotonic()
            return self._cells

    def _fresh(self) -> dict[str, Cell]:
        if self._cells and time.monotonic() - self._read_at < REFRESH:
            return self._cells
        return self.refresh()

    def _open(self, mapping: CellMapping, known: Cell | None) -> Cell:
        if known is not None and known.mapping == mapping:
            return known
        db = Database(
            mapping.database_url,
            name=mapping.name,
            pool_size=self._conf.database.max_pool_size,
            patience=self._conf.cells.timeout,
        )
        if mapping.is_cell0:
            return Cell(mapping, db, None, None)
        transport = get_transport(self._conf, mapping.transport_url)
        return Cell(mapping, db, transport, ComputeStub(transport))

    def close(self) -> None:
        for cell in self._cells.values():
            cell.db.dispose()
            if cell.transport is not None:
                cell.transport.cleanup()


def _done(ask: Callable[[Cell], T], cell: Cell) -> Future[T]:
    """SQLite answers faster than a thread starts."""
    future: Future[T] = Future()
    try:
        future.set_result(ask(cell))
    except Exception as error:
        future.set_exception(error)
    return future
