# SPDX-License-Identifier: Apache-2.0
"""What every endpoint of one compute host shares: its name, driver, neighbours, locks and workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.locks import InstanceLocks
from minicloud.compute.plugging import Expectations
from minicloud.compute.traffic import Traffic
from minicloud.context import RequestContext
from minicloud.objects import Image, Instance, InstanceUpdate, NetworkRequest, PortOwner, Vif
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.virt.driver import ComputeDriver

LOG = logging.getLogger(__name__)

#: Seconds between two tries to reach the conductor.
PATIENCE = 1.0


class Network(Protocol):
    """What a compute host asks of the network service; the clients in ``minicloud.clients`` all offer it."""

    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]: ...

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None: ...

    def attach(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        request: NetworkRequest,
        security_groups: list[str],
    ) -> Vif: ...

    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None: ...

    def detach(self, ctxt: RequestContext, instance_uuid: str, port_id: str) -> None: ...

    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]: ...


class Images(Protocol):
    """What a compute host asks of the image service; see :class:`minicloud.clients.image.ImageClient`."""

    def get(self, ctxt: RequestContext, image_id: str) -> Image: ...

    def download(self, ctxt: RequestContext, image_id: str) -> Iterator[bytes]: ...

    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None: ...

    def delete(self, ctxt: RequestContext, image_id: str) -> None: ...

    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> Sequence[Image]: ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whom a compute host talks to."""

    conductor: ConductorStub
    scheduler: SchedulerStub
    network: Network
    #: None: this host cannot reach the image service, and so makes no snapshots.
    images: Images | None = None
    #: The other hosts of the cell; None: servers do not move from here.
    computes: ComputeStub | None = None


@dataclass(slots=True)
class Health:
    """How a host fares; the scheduler's weighers read it from its node."""

    #: Builds that failed in a row.
    failed_builds: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """One compute host."""

    conf: cfg.ConfigOpts
    name: str
    driver: ComputeDriver
    neighbours: Neighbours
    locks: InstanceLocks = field(default_factory=InstanceLocks)
    health: Health = field(default_factory=Health)
    traffic: Traffic = field(default_factory=Traffic)
    stopping: threading.Event = field(default_factory=threading.Event)
    #: Ports that builds and moves wait for.
    expectations: Expectations = field(default_factory=Expectations)
    #: Instances whose build this run has begun.
    building: set[str] = field(default_factory=set)
    #: Instances of which something is here that should not: it could not be removed when they left.
    leftovers: set[str] = field(default_factory=set)
    #: Long work, beside the RPC server's threads so that deletes get through when all else hangs.
    workers: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        threads = self.conf.compute.max_concurrent_work
        object.__setattr__(self, "workers", ThreadPoolExecutor(threads, thread_name_prefix=f"compute-{self.name}"))

    @property
    def conductor(self) -> ConductorStub:
        return self.neighbours.conductor

    @property
    def scheduler(self) -> SchedulerStub:
        return self.neighbours.scheduler

    @property
    def network(self) -> Network:
        return self.neighbours.network

    @property
    def images(self) -> Images:
        """:raises NotSupported: when this host reaches no image service"""
        if self.neighbours.images is None:
            raise exception.NotSupported("This host reaches no image service.")
        return self.neighbours.images

    @property
    def computes(self) -> ComputeStub:
        """:raises NotSupported: when this host knows no others"""
        if self.neighbours.computes is None:
            raise exception.NotSupported("This host reaches no other hosts.")
        return self.neighbours.computes

    def port_owner(self, instance: Instance) -> PortOwner:
        """For whom ports are asked for, when a server is plugged in here."""
        return PortOwner(project_id=instance.project_id, uuid=instance.uuid, hostname=instance.hostname, host=self.name)

    def update_instance(self, ctxt: RequestContext, step: InstanceUpdate) -> Instance:
        """Record a step; while the conductor is away, wait for it.

        :raises UnexpectedState, InstanceNotFound: somebody else was faster
        """
        is_repeated = False
        while True:
            try:
                return self.conductor.update_instance(ctxt, step)
            except exception.UnexpectedState:
                # An answer that was lost: the step was taken, and so cannot be taken again.
                if is_repeated and (done := self._taken(ctxt, step)) is not None:
                    return done
                raise
            except exception.ServiceUnavailable as error:
                is_repeated = True
                self._wait(error)

    def destroy_instance(self, ctxt: RequestContext, uuid: str) -> None:
        """Record that a server is gone; while the conductor is away, wait for it."""
        while True:
            try:
                return self.conductor.destroy_instance(ctxt, uuid, self.name)
            except exception.ServiceUnavailable as error:
                self._wait(error)

    def _taken(self, ctxt: RequestContext, step: InstanceUpdate) -> Instance | None:
        found = self.conductor.get_instance(ctxt, step.uuid)
        # A new server may have been asked for the next thing already, but nobody else has launched it.
        names = ["launched_at"] if "launched_at" in step.changes else list(step.changes)
        found_values = [getattr(found, name) for name in names]
        wanted_values = [step.changes[name] for name in names]
        return found if msgspec.json.encode(found_values) == msgspec.json.encode(wanted_values) else None

    def _wait(self, error: exception.ServiceUnavailable) -> None:
        LOG.warning("Host %s waits for its conductor: %s", self.name, error)
        if self.stopping.wait(PATIENCE):
            raise error

    def submit(self, ctxt: RequestContext, work: Callable[[], object]) -> None:
        """Do something soon in a thread of this host; its errors are logged."""

        def run() -> None:
            if self.stopping.is_set():
                return  # what is not begun is found by the next start
            ctxt.update_store()
            try:
                work()
            except Exception:
                LOG.exception("Work on host %s failed unexpectedly", self.name)

        self.workers.submit(run)

    def stop(self) -> None:
        """Interrupt what can be, and wait for the rest."""
        self.stopping.set()
        self.locks.interrupt_all()
        self.workers.shutdown(wait=True)
