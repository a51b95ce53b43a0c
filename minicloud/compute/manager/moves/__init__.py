# SPDX-License-Identifier: Apache-2.0
"""Servers on their way between hosts and sizes.

A resize goes: source (:func:`steps.leave`), destination (:func:`steps.arrive`), and then, when
the user says so, source (:func:`steps.confirm`), or destination and source
(:func:`steps.turn_back`, :func:`steps.come_back`). Each step begins where a restart finds it
again, does what may be done twice, and tells the next host after it is recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import sync
from minicloud.compute.manager.base import Endpoint
from minicloud.compute.manager.moves import evacuate, shelve, steps, unconfirmed
from minicloud.context import RequestContext
from minicloud.objects import Instance, Migration, MigrationSource
from minicloud.rpc.base import expected
from minicloud.rpc.compute import ComputeStub
from minicloud.states import Task
from minicloud.virt.driver import Order
from minicloud.virt.roles import SupportsDiskTransfer

__all__ = ["MovesEndpoint", "recover", "evacuate", "recover_confirmed", "shelve", "unconfirmed"]

LOG = logging.getLogger(__name__)

_Step = Callable[[Host, RequestContext, Instance, Migration], None]


class MovesEndpoint(Endpoint):
    STUB = ComputeStub

    def resize_instance(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._submit(ctxt, instance, migration, steps.leave)

    def finish_resize(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._submit(ctxt, instance, migration, steps.arrive)

    @expected(exception.MinicloudError)
    def offer_disks(self, ctxt: RequestContext, instance: Instance) -> MigrationSource:
        driver = self._host.driver
        if not isinstance(driver, SupportsDiskTransfer):
            raise exception.NotSupported(what="moves to hosts that do not see a server's disk")
        return driver.offer_disks(Order(instance, threading.Event()))

    def confirm_resize(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._submit(ctxt, instance, migration, steps.confirm)

    def revert_resize(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._submit(ctxt, instance, migration, steps.turn_back)

    def finish_revert_resize(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._submit(ctxt, instance, migration, steps.come_back)

    def forget_guest(self, ctxt: RequestContext, instance: Instance) -> None:
        with self._host.locks.hold(instance.uuid, "removal of a guest left behind", interrupting=True) as cancelled:
            sync.remove(self._host, Order(instance, cancelled))

    def shelve_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._host.submit(ctxt, lambda: shelve.shelve(self._host, ctxt, instance))

    def shelve_offload_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._host.submit(ctxt, lambda: shelve.offload(self._host, ctxt, instance))

    def unshelve_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._host.submit(ctxt, lambda: shelve.unshelve(self._host, ctxt, instance))

    def evacuate_instance(self, ctxt: RequestContext, instance: Instance, migration: Migration, stop: bool) -> None:
        self._host.submit(ctxt, lambda: evacuate.evacuate(self._host, ctxt, instance, migration, stop))

    def remove_evacuated(self, ctxt: RequestContext) -> None:
        self._host.submit(ctxt, lambda: evacuate.clean(self._host, ctxt))

    def _submit(self, ctxt: RequestContext, instance: Instance, migration: Migration, step: _Step) -> None:
        self._host.submit(ctxt, lambda: step(self._host, ctxt, instance, migration))


#: What goes on after a restart, by the task that the last run left.
_STEPS: dict[str, _Step] = {
    Task.RESIZE_PREP: steps.leave,
    Task.RESIZE_MIGRATING: steps.leave,
    Task.RESIZE_MIGRATED: steps.arrive,
    Task.RESIZE_FINISH: steps.arrive,
    Task.RESIZE_REVERTING: steps.turn_back,
}


def recover(host: Host, ctxt: RequestContext, instance: Instance) -> bool:
    """After a restart: go on with a server of this host that is on its way; whether it was."""
    if shelve.recover(host, ctxt, instance) or evacuate.recover(host, ctxt, instance):
        return True
    step = _STEPS.get(instance.task_state or "")
    if step is None:
        return False
    migration = host.conductor.open_migration(ctxt, instance.uuid)
    if migration is None:
        return True  # the scheduler has not chosen yet, and will tell
    if step is steps.turn_back and host.name == migration.source_compute:
        step = steps.come_back
    LOG.info("The last run left %s half done [instance: %s]", instance.task_state, instance.uuid)
    chosen = step
    host.submit(ctxt, lambda: chosen(host, ctxt, instance, migration))
    return True


def recover_confirmed(host: Host, ctxt: RequestContext) -> None:
    """After a restart: forget guests whose owners confirmed, although these servers are elsewhere."""
    for migration in host.conductor.open_migrations(ctxt, host.name):
        if migration.status == "confirming" and migration.source_compute == host.name:
            steps.confirm(host, ctxt, host.conductor.get_instance(ctxt, migration.instance_uuid), migration)
