# SPDX-License-Identifier: Apache-2.0
"""The steps of a resize, each on its host."""

from __future__ import annotations

import time
from contextlib import suppress

from oslo_log import log as logging

from minicloud.compute import plugging
from minicloud.compute.host import Host
from minicloud.compute.manager import verb
from minicloud.compute.manager.base import failed, fault
from minicloud.compute.manager.moves.legs import Leg, Ride, leg
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate, Migration
from minicloud.states import VM, Power, Task
from minicloud.virt import roles
from minicloud.virt.driver import Order
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: Seconds between two signs of life of a copy that takes long.
_PACE = 20.0

LEAVE = Leg("compute_resize_instance", (Task.RESIZE_PREP, Task.RESIZE_MIGRATING), Task.RESIZE_MIGRATING)
ARRIVE = Leg("compute_finish_resize", (Task.RESIZE_MIGRATED, Task.RESIZE_FINISH), Task.RESIZE_FINISH)
CONFIRM = Leg("compute_confirm_resize", (None,), None, (VM.RESIZED,))
TURN_BACK = Leg("compute_revert_resize", (Task.RESIZE_REVERTING,), Task.RESIZE_REVERTING)
COME_BACK = Leg("compute_finish_revert_resize", (Task.RESIZE_REVERTING,), Task.RESIZE_REVERTING)


def leave(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """At the source: stop the guest and send the server to its destination."""

    def give_up(ride: Ride, error: Exception) -> None:
        """Nothing has moved yet: the server goes on here."""
        if migration.old_vm_state == VM.ACTIVE:
            with suppress(Exception):
                host.driver.power_on(Order(instance, ride.order.cancelled))
        power = verb.power_change(host, instance.uuid)
        changes = {"task_state": None, "vm_state": migration.old_vm_state, **power}
        ride.record(changes, fault=fault(error), finish_action=True, **failed(LEAVE.event, error))
        end(host, ctxt, migration, "error", arrived=False)

    with leg(host, ctxt, instance, LEAVE, give_up) as ride:
        if ride is None:
            return
        host.conductor.change_migration(ctxt, migration.uuid, "migrating")
        roles.resizing(host.driver).migrate_out(ride.order)
        there = {"task_state": Task.RESIZE_MIGRATED, "host": migration.dest_compute, "node": migration.dest_node}
        after = ride.record({**there, "power_state": int(Power.SHUTDOWN)})
        host.computes.finish_resize(ctxt, migration.dest_compute, after, migration)


def arrive(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """At the destination: start the guest in its new size; the user decides whether it stays so."""

    def give_up(ride: Ride, error: Exception) -> None:
        """Back to the source, where the guest waits."""
        if not migration.stays:
            with suppress(Exception):
                host.driver.destroy(Order(instance, ride.order.cancelled))
        changes = {
            "task_state": Task.RESIZE_REVERTING,
            "host": migration.source_compute,
            "node": migration.source_node,
        }
        after = ride.record(changes, fault=fault(error), finish_action=True, **failed(ARRIVE.event, error))
        host.conductor.change_migration(ctxt, migration.uuid, "reverting")
        host.computes.finish_revert_resize(ctxt, migration.source_compute, after, migration)

    with leg(host, ctxt, instance, ARRIVE, give_up) as ride:
        if ride is None:
            return
        host.network.rebind(ctxt, instance.uuid, host.name)
        grown = ride.instance.replace(flavor=migration.new_flavor)
        order = ride.spawn_order(grown, "resize")
        _bring_disks(ride, migration)
        with plugging.expected(host, ctxt, order, order.vifs) as plugged:
            roles.resizing(host.driver).finish_migration(order)
            vifs = plugged()
        if migration.old_vm_state == VM.STOPPED:
            host.driver.power_off(order)
        host.conductor.change_migration(ctxt, migration.uuid, "finished")
        changes = {
            "vm_state": VM.RESIZED,
            "task_state": None,
            "flavor": migration.new_flavor,
            "launched_at": now(),
            "power_state": int(host.driver.power_state(instance.uuid)),
            "network_info": vifs,
        }
        ride.record(changes, finish_action=True)


def _bring_disks(ride: Ride, migration: Migration) -> None:
    """To a host that does not see what the source has."""
    host, driver = ride.host, ride.host.driver
    if migration.stays or not isinstance(driver, roles.SupportsDiskTransfer) or not driver.lacks_disks(ride.order):
        return
    offered = host.computes.offer_disks(ride.ctxt, migration.source_compute, ride.instance)
    step = InstanceUpdate(
        uuid=ride.instance.uuid,
        changes={"task_state": ride.leg.running},
        expected_task_states=(ride.leg.running,),
        expected_host=host.name,
    )
    last = time.monotonic()

    def wanted() -> None:
        """What is copied is not overdue, and may be superseded."""
        nonlocal last
        if time.monotonic() - last > _PACE:
            last = time.monotonic()
            host.update_instance(ride.ctxt, step)

    driver.fetch_disks(ride.order, offered, wanted)


def confirm(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """At the source: remove what was kept for the way back."""
    with leg(host, ctxt, instance, CONFIRM, _in_error) as ride:
        if ride is None:
            return
        if not migration.stays:
            host.driver.destroy(ride.order)
        end(host, ctxt, migration, "confirmed", arrived=True)
        is_off = ride.instance.power_state == Power.SHUTDOWN
        ride.record({"vm_state": VM.STOPPED if is_off else VM.ACTIVE}, finish_action=True)


def turn_back(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """At the destination: remove the guest and send the server back."""
    with leg(host, ctxt, instance, TURN_BACK, _in_error) as ride:
        if ride is None:
            return
        if not migration.stays:
            host.driver.destroy(ride.order)
        back = {"host": migration.source_compute, "node": migration.source_node, "flavor": migration.old_flavor}
        after = ride.record(back)
        host.computes.finish_revert_resize(ctxt, migration.source_compute, after, migration)


def come_back(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """At the source: start the guest that was kept."""
    with leg(host, ctxt, instance, COME_BACK, _in_error) as ride:
        if ride is None:
            return
        host.network.rebind(ctxt, instance.uuid, host.name)
        order = ride.spawn_order(ride.instance.replace(flavor=migration.old_flavor), "resize")
        with plugging.expected(host, ctxt, order, order.vifs) as plugged:
            roles.resizing(host.driver).revert_migration(order)
            vifs = plugged()
        if migration.old_vm_state == VM.STOPPED:
            host.driver.power_off(order)
        end(host, ctxt, migration, "reverted", arrived=False)
        changes = {
            "vm_state": migration.old_vm_state,
            "task_state": None,
            "flavor": migration.old_flavor,
            "power_state": int(host.driver.power_state(instance.uuid)),
            "network_info": vifs,
        }
        ride.record(changes, finish_action=True)


def end(host: Host, ctxt: RequestContext, migration: Migration, status: str, *, arrived: bool) -> None:
    """First the claims, since an open migration is what protects and repeats this."""
    host.scheduler.migration_ended(ctxt, migration, arrived)
    host.conductor.change_migration(ctxt, migration.uuid, status)


def _in_error(ride: Ride, error: Exception) -> None:
    changes = {"vm_state": VM.ERROR, "task_state": None}
    ride.record(changes, fault=fault(error), finish_action=True, **failed(ride.leg.event, error))
