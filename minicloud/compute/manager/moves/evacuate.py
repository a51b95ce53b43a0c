# SPDX-License-Identifier: Apache-2.0
"""Servers whose host is gone are made anew here, from their image and with their ports.

The old host does not know. When it comes back it removes the guests of those who have left,
and only then gives back what they had there.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import sync
from minicloud.compute.manager.base import failed, fault
from minicloud.compute.manager.moves.legs import Leg, Ride, leg
from minicloud.compute.manager.moves.steps import end
from minicloud.context import RequestContext
from minicloud.objects import Instance, Migration
from minicloud.states import VM, Power, Task
from minicloud.virt.driver import Order
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

ARRIVE = Leg("compute_rebuild_instance", (Task.REBUILDING,), Task.REBUILDING)

#: Where the system metadata says that a server is evacuated, and that it is to be off when it has arrived.
MARK, STOP = "evacuating", "evacuated_stopped"


def evacuate(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration, stop: bool) -> None:
    """Take a server over; idempotent.

    :param instance: as it was on the old host, or, after a restart, is here
    :param stop: it is off afterwards, whatever it was
    """

    def give_up(ride: Ride, error: Exception) -> None:
        """Back where it was, in ERROR; nothing of it is left here."""
        sync.remove(host, Order(ride.instance, ride.order.cancelled))
        with suppress(exception.MinicloudError):
            host.network.rebind(ctxt, instance.uuid, migration.source_compute)
        changes = {
            "system_metadata": without_marks(ride.instance),
            "vm_state": VM.ERROR,
            "task_state": None,
            "power_state": int(Power.NOSTATE),
            "host": migration.source_compute,
            "node": migration.source_node,
        }
        ride.record(changes, fault=fault(error), finish_action=True, **failed(ARRIVE.event, error))
        end(host, ctxt, migration, "failed", arrived=False)

    marks = {**instance.system_metadata, **({STOP: "True"} if stop else {})}
    here = {"host": host.name, "node": migration.dest_node, "system_metadata": marks}
    with leg(host, ctxt, instance, ARRIVE, give_up, here) as ride:
        if ride is None:
            return
        host.conductor.change_migration(ctxt, migration.uuid, "pre-migrating")
        host.network.rebind(ctxt, instance.uuid, host.name)
        order = ride.spawn_order(ride.instance, "evacuate")
        host.driver.destroy(ride.order)  # what a restart left half made
        host.driver.spawn(order)
        is_off = stop or migration.old_vm_state == VM.STOPPED
        if is_off:
            host.driver.power_off(ride.order)
        changes = {
            "vm_state": VM.STOPPED if is_off else VM.ACTIVE,
            "task_state": None,
            "power_state": int(host.driver.power_state(instance.uuid)),
            "launched_at": now(),
            "network_info": order.vifs,
            "system_metadata": without_marks(ride.instance),
        }
        ride.record(changes, finish_action=True)
        host.conductor.change_migration(ctxt, migration.uuid, "done")
        _tell(host, ctxt, migration)


def _tell(host: Host, ctxt: RequestContext, migration: Migration) -> None:
    """A host that only seems to be gone must not run the guest any longer."""
    try:
        host.computes.remove_evacuated(ctxt, migration.source_compute)
    except exception.ServiceUnavailable as error:
        LOG.info("Host %s learns at its start: %s", migration.source_compute, error)


def without_marks(instance: Instance) -> dict[str, str]:
    return {key: value for key, value in instance.system_metadata.items() if key not in (MARK, STOP)}


def recover(host: Host, ctxt: RequestContext, instance: Instance) -> bool:
    """After a restart: go on with a server that was being taken over; whether it was."""
    if instance.task_state != Task.REBUILDING:
        return False
    migration = host.conductor.open_migration(ctxt, instance.uuid)
    if migration is None or migration.migration_type != "evacuation":
        return MARK in instance.system_metadata  # the scheduler is at it
    if migration.dest_compute == host.name:
        stop = STOP in instance.system_metadata
        host.submit(ctxt, lambda: evacuate(host, ctxt, instance, migration, stop))
    return True  # on its old host, it is another's


def note_arrivals(host: Host, ctxt: RequestContext) -> None:
    """After a restart: evacuations that ended but for the word that they did."""
    for migration in host.conductor.open_migrations(ctxt, host.name):
        if migration.migration_type != "evacuation" or migration.dest_compute != host.name:
            continue
        instance = host.conductor.get_instance(ctxt, migration.instance_uuid)
        if instance.host == host.name and instance.task_state is None and instance.vm_state != VM.ERROR:
            host.conductor.change_migration(ctxt, migration.uuid, "done")


def clean(host: Host, ctxt: RequestContext) -> None:
    """Remove the guests of servers that were evacuated from here, unless they are here again."""
    for migration in host.conductor.evacuated_from(ctxt, host.name):
        uuid = migration.instance_uuid
        with host.locks.hold(uuid, "removal of an evacuated guest"):
            instance = _recorded(host, ctxt, uuid)
            is_coming = instance is not None and host.conductor.open_migration(ctxt, uuid) is not None
            if is_coming or (instance is not None and instance.host == host.name):
                LOG.info("An evacuated server is here again, or comes: its guest stays [instance: %s]", uuid)
            elif uuid in host.driver.guests():
                LOG.warning("The guest of a server that was evacuated is removed [instance: %s]", uuid)
                host.driver.destroy(Order(instance or _gone(migration), threading.Event()))
        end(host, ctxt, migration, "completed", arrived=True)


def _recorded(host: Host, ctxt: RequestContext, uuid: str) -> Instance | None:
    try:
        return host.conductor.get_instance(ctxt, uuid)
    except exception.InstanceNotFound:
        return None


def _gone(migration: Migration) -> Instance:
    return Instance(
        uuid=migration.instance_uuid,
        project_id=migration.project_id or "",
        user_id=migration.user_id or "",
        display_name="",
        vm_state=VM.DELETED,
        flavor=migration.old_flavor,
    )
