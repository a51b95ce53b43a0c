# SPDX-License-Identifier: Apache-2.0
"""A process that builds, stops or deletes a server and kills itself on the way there.

Every step of a compute host that anybody else can see goes through a seam: the conductor's
and the scheduler's stub, the network client, the driver. Proxies around these count the
steps, and kill the process before or after the one that they were told.
"""

from __future__ import annotations

import os
import signal
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from minicloud.compute.host import Neighbours
from minicloud.context import RequestContext
from minicloud.db.cell import moves
from minicloud.objects import Instance, Migration, NetworkRequest, PortOwner, Vif
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.states import Task
from minicloud.virt.fake import FakeDriver
from minicloud.web.moments import now
from tests.unit.compute import suite

#: Methods that are steps.
STEPS = {
    "update_instance",
    "destroy_instance",
    "release",
    "retry_build",
    "allocate",
    "deallocate",
    "spawn",
    "destroy",
    "power_off",
    "change_migration",
    "prepare_destination",
    "live_migrate",
    "finish_live_migration",
    "clean_source",
    "rebind",
}


class DiskNetwork(suite.FakeNetwork):
    """Ports that outlive the process."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / "ports.json"
        if self._path.exists():
            self.ports = msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[Vif]])

    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]:
        made = super().allocate(ctxt, owner, requests, security_groups)
        self._save()
        return made

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        super().deallocate(ctxt, instance_uuid, keep)
        self._save()

    def _save(self) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self.ports))
        new.replace(self._path)


@dataclass
class Fuse:
    """Kills the process at one step."""

    step: int
    when: str
    #: Steps so far; none counts before :attr:`armed`.
    count: int = 0
    armed: bool = False

    def around(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.armed:
            return function(*args, **kwargs)
        self.count += 1
        mine = self.count == self.step
        if mine and self.when == "before":
            self._burn()
        try:
            return function(*args, **kwargs)
        finally:
            if mine:
                self._burn()

    @staticmethod
    def _burn() -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()


def fused(base: type, fuse: Fuse) -> type:
    """A subclass whose steps go through the fuse."""

    def wrap(name: str) -> Any:
        original = getattr(base, name)
        return lambda self, *args, **kwargs: fuse.around(original, self, *args, **kwargs)

    return type(base.__name__, (base,), {name: wrap(name) for name in STEPS if hasattr(base, name)})


class Victim(suite.CellTest):
    """The cell of the process that dies."""

    def runTest(self) -> None: ...

    def send_live(self, one: Instance) -> None:
        """Begin a live migration to a second host, which never fails by itself but dies with the process."""
        self.start_host("h2")
        ctxt = self.act(one, "live-migration", Task.MIGRATING)
        migration = live_migration(one)
        with self.db.writer() as conn:
            moves.create(conn, migration, now())
        self.compute.live_migrate_instance(ctxt, "h1", self.get(one), migration, True)

    def start(self, folder: Path, fuse: Fuse) -> None:
        self.set_up_in(folder)
        self.network = fused(DiskNetwork, fuse)(folder)
        neighbours = Neighbours(
            fused(ConductorStub, fuse)(self.transport),
            fused(SchedulerStub, fuse)(self.transport),
            self.network,
            computes=fused(ComputeStub, fuse)(self.transport),
        )
        self.start_host("h1", driver=fused(FakeDriver, fuse)(self.conf, "h1"), neighbours=neighbours)


def live_migration(one: Instance) -> Migration:
    """One from h1 to h2, as the scheduler makes it."""
    return Migration(
        uuid=str(uuid.uuid4()),
        instance_uuid=one.uuid,
        migration_type="live-migration",
        status="queued",
        source_compute="h1",
        source_node="h1",
        dest_compute="h2",
        dest_node="h2",
        old_flavor=one.flavor,
        new_flavor=one.flavor,
        old_vm_state=one.vm_state,
    )


def run(folder: str, work: str, metadata: dict[str, str], step: int, when: str) -> None:
    """Exit status 0 when the work has fewer steps."""
    fuse = Fuse(step, when)
    victim = Victim()
    victim.start(Path(folder), fuse)
    try:
        if work == "build":
            fuse.armed = True
            one = victim.build(metadata=metadata)
            victim.wait_for(lambda: _is_over(victim, one))
        else:
            one = victim.built(metadata=metadata)
            fuse.armed = True
            if work == "delete":
                victim.delete(one)
            elif work == "live":
                victim.send_live(one)
            else:
                victim.compute.stop_instance(victim.act(one, "stop", "powering-off"), "h1", one)
            victim.wait_for(lambda: victim.get(one).task_state is None)
    finally:
        if fuse.count >= step:
            # What the step did may be seen before the step has returned and killed us.
            threading.Event().wait(10)
        os._exit(0 if fuse.count < step else 1)


def _is_over(victim: Victim, one: Instance) -> bool:
    return victim.get(one).task_state is None or bool(victim.scheduler.retries)
