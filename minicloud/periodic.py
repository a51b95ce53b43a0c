# SPDX-License-Identifier: Apache-2.0
"""Periodic work for any number of services in one process, with few threads.

One thread keeps the time, a small pool runs what is due. A task that is still running when
it is due again is not started twice; one that raises is logged and runs again.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Task:
    """Something that runs now and then, until :meth:`cancel`."""

    name: str
    function: Callable[[], object]
    #: seconds
    interval: float
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Periodic:
    """A clock with a pool; started by the first task, ended by :meth:`stop`."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._pool: ThreadPoolExecutor | None = None

    def add(self, name: str, interval: float, function: Callable[[], object], *, spread: bool = True) -> Task:
        """Run a function every ``interval`` seconds.

        :param spread: the first run is at a random moment of the first interval, so that many
            services started together do not all work at the same moment for ever
        """
        task = Task(name, function, interval)
        first = interval * random.uniform(0.2, 1.0) if spread else interval
        with self._wake:
            self._push(task, first)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="periodic")
                threading.Thread(target=self._run, args=(self._pool,), name="periodic", daemon=True).start()
            self._wake.notify()
        return task

    def stop(self) -> None:
        """Start nothing more; what runs is waited for."""
        with self._wake:
            pool, self._pool = self._pool, None
            self._due.clear()
            self._wake.notify()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _push(self, task: Task, delay: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), task))

    def _run(self, pool: ThreadPoolExecutor) -> None:
        with self._wake:
            while self._pool is pool:
                if not self._due:
                    self._wake.wait()
                elif (left := self._due[0][0] - time.monotonic()) > 0:
                    self._wake.wait(left)
                else:
                    pool.submit(self._work, heapq.heappop(self._due)[2])

    def _work(self, task: Task) -> None:
        if not task.cancelled:
            try:
                task.function()
            except Exception:
                LOG.exception("Periodic task %s failed; it runs again in %s s", task.name, task.interval)
        with self._wake:
            if self._pool is not None and not task.cancelled:
                self._push(task, task.interval)
                self._wake.notify()
