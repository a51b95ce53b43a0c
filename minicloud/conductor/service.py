# SPDX-License-Identifier: Apache-2.0
"""The conductor as a service. Several may run for one cell; none of them keeps state."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from oslo_service import service

from minicloud.conductor.reconciler import Ports, Reconciler
from minicloud.conductor.records import ENDPOINTS
from minicloud.conductor.records.services import report
from minicloud.db.cell import console_tokens
from minicloud.db.session import Database
from minicloud.periodic import Periodic, Task
from minicloud.rpc.base import Server
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.web.moments import now

BINARY = "minicloud-conductor"
VERSION = 1

#: Seconds between two looks for console tokens that have expired.
TOKENS_INTERVAL = 60.0


class ConductorService(service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """``minicloud-conductor`` of one cell."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        db: Database,
        transport: Any,
        *,
        network: Ports | None = None,
        periodic: Periodic | None = None,
    ) -> None:
        """
        :param db: of the cell
        :param transport: of the cell
        :param network: who removes the ports of servers whose host is gone
        :param periodic: the clock of the process, when services share it; else the service has its own
        """
        super().__init__()
        self._conf = conf
        self._db = db
        self._own_periodic = None if periodic else Periodic(threads=2)
        self._periodic = periodic or self._own_periodic
        self._server = Server(transport, ConductorStub.TOPIC, conf.host, [cls(db) for cls in ENDPOINTS])
        self.reconciler = Reconciler(conf, db, ComputeStub(transport), SchedulerStub(transport), network)
        self._tasks: list[Task] = []

    def start(self) -> None:
        self._server.start()
        self.report()
        assert self._periodic is not None
        self._tasks = [
            self._periodic.add("heartbeat of the conductor", self._conf.report_interval, self.report),
            self._periodic.add("reconciler", self._conf.conductor.reconcile_interval, self.reconciler.run),
            self._periodic.add("expired console tokens", TOKENS_INTERVAL, self.clean_tokens),
        ]

    def report(self) -> None:
        """One heartbeat."""
        report(self._db, self._conf.host, BINARY, ConductorStub.TOPIC, VERSION)

    def clean_tokens(self) -> None:
        """Remove what no proxy takes any more."""
        with self._db.writer() as conn:
            console_tokens.clean(conn, now())

    def stop(self, graceful: bool = False) -> None:
        for task in self._tasks:
            task.cancel()
        if self._own_periodic is not None:
            self._own_periodic.stop()
        self._server.stop()
        super().stop(graceful)
