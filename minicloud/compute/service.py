# SPDX-License-Identifier: Apache-2.0
"""One compute host as a service. A process may run many, on fake hypervisors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service

from minicloud import context, exception
from minicloud.compute import manager
from minicloud.compute.host import PATIENCE, Host, Images, Neighbours, Network
from minicloud.compute.manager import moves, sync
from minicloud.compute.manager.nodes import Inventory
from minicloud.compute.manager.recovery import Recovery
from minicloud.periodic import Periodic, Task
from minicloud.rpc.base import Server
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.virt import loader
from minicloud.virt.driver import ComputeDriver
from minicloud.virt.roles import SupportsGuestEvents

LOG = logging.getLogger(__name__)

BINARY = "minicloud-compute"

#: Of what a compute host can be asked; newer releases have higher numbers.
VERSION = 1


class ComputeService(service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """``minicloud-compute`` for one host."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        host: str,
        transport: Any,
        network: Network,
        *,
        driver: ComputeDriver | None = None,
        neighbours: Neighbours | None = None,
        periodic: Periodic | None = None,
        images: Images | None = None,
    ) -> None:
        """
        :param transport: of the cell
        :param driver: default: the one that ``[DEFAULT] compute_driver`` names
        :param neighbours: default: the conductor and the scheduler at the transport, and ``network``
        :param images: where snapshots go; without it the host makes none
        :param periodic: the clock of the process, when several hosts share it; else the service has its own
        """
        super().__init__()
        self._transport = transport
        self.host = Host(
            conf,
            host,
            driver or loader.load(conf, host),
            neighbours
            or Neighbours(ConductorStub(transport), SchedulerStub(transport), network, images, ComputeStub(transport)),
        )
        # An answer that is lost must not delay the next heartbeats for as long as other calls may take.
        self._heart = neighbours.conductor if neighbours else ConductorStub(transport, timeout=conf.report_interval)
        self._own_periodic = None if periodic else Periodic()
        self._periodic = periodic or self._own_periodic
        self._inventory = Inventory(self.host)
        self._server: Server | None = None
        self._tasks: list[Task] = []

    def start(self) -> None:
        """Listen, report the host, and recover what its last run left; returns when the host is known.

        :raises ConfigurationError: when the driver cannot work here
        """
        self.host.driver.init_host()
        # Before the first heartbeat: who is told of this host may send to it at once.
        self._server = Server(
            self._transport,
            ComputeStub.TOPIC,
            self.host.name,
            manager.endpoints(self.host),
            workers=self.host.conf.compute.rpc_workers,
        )
        self._server.start()
        ctxt = context.admin()
        recovery = Recovery(self.host, ctxt)
        self.host.submit(ctxt, lambda: self._until_done(recovery.run))
        self._until_done(self.report)
        self._until_done(self.update_resources)
        if isinstance(self.host.driver, SupportsGuestEvents):
            self.host.driver.listen(self._guest_changed)
        self._add_periodic_tasks()

    def report(self) -> None:
        """One heartbeat; while the hypervisor does not answer it keeps new servers away."""
        ailment = self.host.driver.ailment()
        self._heart.report_service(context.admin(), self.host.name, BINARY, ComputeStub.TOPIC, VERSION, ailment)

    def update_resources(self) -> None:
        """Report the hypervisor's capacity."""
        self._inventory.update(context.admin())

    def sync(self) -> None:
        """Compare records and guests."""
        ctxt = context.admin()
        moves.evacuate.clean(self.host, ctxt)
        sync.check_orphans(self.host, ctxt, destroy=False)
        sync.sync_power_states(self.host, ctxt)

    def clear_leftovers(self) -> None:
        """Remove what could not be removed when it should have been."""
        sync.clear_leftovers(self.host, context.admin())

    def offload_shelved(self) -> None:
        """Let those leave that have been shelved for long enough."""
        moves.shelve.offload_old(self.host, context.admin())

    def confirm_resizes(self) -> None:
        """Confirm resizes that nobody confirmed in time."""
        moves.unconfirmed.confirm_old(self.host, context.admin())

    def stop(self, graceful: bool = False) -> None:
        """Take no new work and end what is going on; what hangs is left to the next start."""
        for task in self._tasks:
            task.cancel()
        if self._own_periodic is not None:
            self._own_periodic.stop()
        self.host.stopping.set()
        self.host.locks.interrupt_all()
        if self._server is not None:
            self._server.stop()
        self.host.stop()
        self.host.driver.cleanup_host()
        super().stop(graceful)

    def _guest_changed(self, uuid: str) -> None:
        """A guest stopped or started, perhaps by itself: then its record is corrected now and not at the next sync."""
        if not self.host.stopping.is_set():
            ctxt = context.admin()
            self.host.submit(ctxt, lambda: sync.sync_one(self.host, ctxt, uuid))

    def _add_periodic_tasks(self) -> None:
        options = self.host.conf.compute
        rows: tuple[tuple[str, float, Callable[[], None]], ...] = (
            ("heartbeat", self.host.conf.report_interval, self.report),
            ("resources", options.update_resources_interval, self.update_resources),
            ("sync", options.sync_power_interval, self.sync),
            ("leftovers", self.host.conf.report_interval, self.clear_leftovers),
            ("shelved servers", options.shelved_poll_interval, self.offload_shelved),
            ("unconfirmed resizes", options.resize_poll_interval, self.confirm_resizes),
        )
        assert self._periodic is not None
        for name, interval, function in rows:
            self._tasks.append(self._periodic.add(f"{name} of {self.host.name}", interval, function))

    def _until_done(self, step: Callable[[], None]) -> None:
        """Try again while the conductor, or the hypervisor, is not there."""
        while not self.host.stopping.is_set():
            try:
                return step()
            except (exception.ServiceUnavailable, exception.HypervisorAway) as error:
                LOG.warning("Host %s waits: %s", self.host.name, error)
                self.host.stopping.wait(PATIENCE)
