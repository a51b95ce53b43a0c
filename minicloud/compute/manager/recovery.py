# SPDX-License-Identifier: Apache-2.0
"""What a host does when it starts: end truthfully whatever its last run left half done.

It runs beside the RPC server: the locks and the compare-and-swap keep it from touching what
this run has begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import (
    build,
    delete,
    guest,
    interfaces,
    live,
    moves,
    pause,
    power,
    rebuild,
    snapshot,
    sync,
    verb,
)
from minicloud.compute.manager.base import SUPERSEDED, failed, fault
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.states import Power, Task
from minicloud.virt.driver import Order
from minicloud.virt.roles import pausing, suspending

LOG = logging.getLogger(__name__)


#: Counts, in the system metadata, the builds of a server that a restart cut short.
_INTERRUPTED = "interrupted_builds"

#: More of them, and it may be the build that takes the host down: then no further one is tried.
MAX_INTERRUPTED = 2


class Interrupted(exception.MinicloudError):
    template = "The host was restarted during {task}."


@dataclass(frozen=True, slots=True)
class _Retry:
    """How a verb is brought to its end: not again when the guest shows that it was done."""

    verb: verb.Verb
    done: Power | None
    work: Callable[[Host, RequestContext, Order], None]


_RETRIES = {
    Task.POWERING_ON: _Retry(power.START, Power.RUNNING, lambda host, _c, order: host.driver.power_on(order)),
    Task.POWERING_OFF: _Retry(power.STOP, Power.SHUTDOWN, lambda host, _c, order: host.driver.power_off(order)),
    Task.REBOOTING: _Retry(power.REBOOT, None, lambda host, _c, order: host.driver.reboot(order, hard=False)),
    Task.REBOOTING_HARD: _Retry(power.REBOOT, None, lambda host, _c, order: host.driver.reboot(order, hard=True)),
    Task.PAUSING: _Retry(pause.PAUSE, Power.PAUSED, lambda host, _c, order: pausing(host.driver).pause(order)),
    Task.UNPAUSING: _Retry(pause.UNPAUSE, Power.RUNNING, lambda host, _c, order: pausing(host.driver).unpause(order)),
    Task.SUSPENDING: _Retry(
        pause.SUSPEND, Power.SUSPENDED, lambda host, _c, order: suspending(host.driver).suspend(order)
    ),
    Task.RESUMING: _Retry(pause.RESUME, Power.RUNNING, lambda host, _c, order: suspending(host.driver).resume(order)),
    Task.RESCUING: _Retry(guest.RESCUE, None, guest.rescue),
    Task.UNRESCUING: _Retry(guest.UNRESCUE, None, guest.unrescue),
    Task.UPDATING_PASSWORD: _Retry(guest.PASSWORD, None, guest.forgotten),
    Task.REBUILDING: _Retry(rebuild.REBUILD, None, rebuild.rebuild),
}


class Recovery:
    """One host's recovery."""

    def __init__(self, host: Host, ctxt: RequestContext) -> None:
        self._host = host
        self._ctxt = ctxt

    def run(self) -> None:
        """Finish or fail what is half done, then make the rest of the records true.

        :raises HypervisorAway: nothing can be said then; all of it may be done again
        """
        guests = self._host.driver.guests()
        servers = self._host.conductor.instances_on_host(self._ctxt, self._host.name)
        adopted = {one.uuid for one in servers} & set(guests)
        LOG.info("Host %s has %d servers and adopts the guests of %d", self._host.name, len(servers), len(adopted))
        for instance in servers:
            try:
                self._one(instance)
            except SUPERSEDED as error:
                LOG.info("Not ours to recover: %s [instance: %s]", error, instance.uuid)
            except exception.HypervisorAway:
                raise
            except Exception:
                # The reconciler ends it when it is overdue.
                LOG.exception("Could not recover [instance: %s]", instance.uuid)
        moves.recover_confirmed(self._host, self._ctxt)
        live.recover_left(self._host, self._ctxt)
        moves.evacuate.note_arrivals(self._host, self._ctxt)
        moves.evacuate.clean(self._host, self._ctxt)
        interfaces.complete(self._host, self._ctxt)
        sync.check_orphans(self._host, self._ctxt, destroy=True)
        sync.sync_power_states(self._host, self._ctxt)

    def _one(self, instance: Instance) -> None:
        task = instance.task_state
        if live.recover(self._host, self._ctxt, instance) or moves.recover(self._host, self._ctxt, instance):
            return
        if task in _RETRIES:
            self._retry(instance, _RETRIES[task])
        elif task in snapshot.VERBS:
            snapshot.resume(self._host, self._ctxt, instance)
        elif task == Task.DELETING:
            with self._host.locks.hold(instance.uuid, "delete", interrupting=True) as cancelled:
                delete.delete(self._host, self._ctxt, instance, Order(instance, cancelled))
        elif task in build.BEGUN:
            with self._host.locks.hold(instance.uuid, "recovery of a build"):
                self._undo_build(instance.uuid)
        # One that waits for its build is told to this host again by the scheduler.

    def _retry(self, instance: Instance, retry: _Retry) -> None:
        def work(order: Order) -> None:
            if verb.power_of(self._host, instance.uuid) != retry.done:
                retry.work(self._host, self._ctxt, order)

        LOG.info("The last run left %s half done [instance: %s]", instance.task_state, instance.uuid)
        verb.submit(self._host, self._ctxt, instance, retry.verb, work)

    def _undo_build(self, uuid: str) -> None:
        """Back to where the scheduler tells a host to build, which it then does once more."""
        instance = self._host.conductor.get_instance(self._ctxt, uuid)
        if uuid in self._host.building or instance.task_state not in build.BEGUN:
            return
        LOG.info("The last run left %s half done [instance: %s]", instance.task_state, uuid)
        self._host.driver.destroy(Order(instance, threading.Event()))
        self._host.network.deallocate(self._ctxt, uuid, delete.kept_ports(instance))
        interrupted = int(instance.system_metadata.get(_INTERRUPTED, "0")) + 1
        error = Interrupted(task=instance.task_state)
        step = InstanceUpdate(
            uuid=uuid,
            changes={
                "task_state": Task.SCHEDULING,
                "network_info": [],
                "system_metadata": {**instance.system_metadata, _INTERRUPTED: str(interrupted)},
            },
            expected_task_states=(instance.task_state,),
            expected_host=self._host.name,
            **failed(build.EVENT, error),
        )
        if interrupted > MAX_INTERRUPTED:
            step = step.replace(
                changes={**step.changes, **build.FAILED},
                fault=fault(error),
                finish_action=True,
            )
        self._host.update_instance(self._ctxt, step)
