# SPDX-License-Identifier: Apache-2.0
"""The scheduler as a service: it serves the top level's transport and that of every cell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service

from minicloud.cells import Cells
from minicloud.db.cell import services
from minicloud.db.session import Database, open_database, retry_on_race
from minicloud.rpc.base import Server, get_transport
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.scheduler.arrival import Arrival
from minicloud.scheduler.host_view import HostView
from minicloud.scheduler.manager import SchedulerManager
from minicloud.scheduler.recovery import Recovery
from minicloud.scheduler.selection import Selector
from minicloud.scheduler.tasks.base import Environment
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

BINARY = "minicloud-scheduler"
#: Of the service, as its record shows it.
VERSION = 1


#: Seconds between the first searches for half-done work; hosts that start with us hand theirs back meanwhile.
_FIRST_ROUNDS = (0.0, 3.0, 5.0, 10.0, 20.0)


class SchedulerService(service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """Answers messages and does periodic work in threads of its own."""

    def __init__(self, conf: cfg.ConfigOpts, api_db: Database | None = None, cells: Cells | None = None) -> None:
        """
        :param api_db: the API database, when the process has it open already
        :param cells: the cells, when the process knows them already
        """
        super().__init__()
        self._conf = conf
        self._api_db = api_db or open_database(conf, "api")
        self._own_db = api_db is None
        self._cells = cells or Cells(conf, self._api_db)
        self._own_cells = cells is None
        view = HostView(conf, self._api_db, self._cells)
        self._stopping = threading.Event()
        arrival = Arrival(view, conf.service_down_time, self._stopping)
        self._env = Environment(conf, self._api_db, self._cells, view, Selector(conf), conf.host, arrival)
        self._manager = SchedulerManager(self._env)
        self._recovery = Recovery(self._env)
        self._servers: dict[str, Server] = {}
        self._threads: list[threading.Thread] = []

    @property
    def env(self) -> Environment:
        return self._env

    def start(self) -> None:
        """Begin to serve; returns when messages are taken."""
        self._serve_all()
        self._repeat("scheduler-heartbeat", self._conf.report_interval, self._report, before=self._report)
        options = self._conf.scheduler
        refresh = min(options.refresh_interval, self._conf.service_down_time / 3)
        self._repeat("scheduler-hosts", refresh, self._look_around)
        self._repeat("scheduler-recovery", options.recovery_interval, self._recovery.run, before=self._first_recovery)

    def stop(self, graceful: bool = False) -> None:
        """Take no new messages and finish those at work."""
        self._stopping.set()
        for server in self._servers.values():
            server.stop()
        self._servers.clear()
        super().stop(graceful)

    def wait(self) -> None:
        """Until the periodic work has ended; what this service opened itself is closed then."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        super().wait()
        if self._own_cells:
            self._cells.close()
        if self._own_db:
            self._api_db.dispose()

    def reset(self) -> None:
        """Look for new cells and hosts now."""
        self._look_around()

    # --- transports ---

    def _serve_all(self) -> None:
        """Serve every transport there is, each URL once."""
        url = str(self._conf.transport_url)
        if url not in self._servers:
            self._serve(url, get_transport(self._conf))
        for cell in self._cells.refresh().values():
            if cell.transport is not None and cell.mapping.transport_url not in self._servers:
                self._serve(cell.mapping.transport_url, cell.transport)

    def _serve(self, url: str, transport: object) -> None:
        server = Server(transport, SchedulerStub.TOPIC, self._conf.host, [self._manager])
        server.start()
        self._servers[url] = server

    # --- periodic work ---

    @retry_on_race
    def _report(self) -> None:
        """One heartbeat; what serves all cells is listed with cell0."""
        with self._cells.cell0.db.writer() as conn:
            services.report(conn, str(self._conf.host), BINARY, SchedulerStub.TOPIC, VERSION, now())

    def _look_around(self) -> None:
        self._serve_all()
        self._env.view.refresh()

    def _first_recovery(self) -> None:
        """Right after a start everything unfinished is taken up, but not before some host can carry it."""
        deadline = time.monotonic() + self._conf.service_down_time
        while not self._stopping.is_set() and time.monotonic() < deadline:
            if self._env.view.any_up():
                break
            self._stopping.wait(1.0)
        for pause in _FIRST_ROUNDS:
            if self._stopping.wait(pause):
                return
            self._recovery.run(age=pause)

    def _repeat(
        self, name: str, interval: float, work: Callable[[], None], before: Callable[[], None] | None = None
    ) -> None:
        def loop() -> None:
            if before is not None:
                self._guarded(name, before)
            while not self._stopping.wait(interval):
                self._guarded(name, work)

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            LOG.exception("%s failed; trying again later", name)
