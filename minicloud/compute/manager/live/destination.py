# SPDX-License-Identifier: Apache-2.0
"""The destination's part of a live migration."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud.compute.host import Host
from minicloud.compute.manager.base import failed, fault
from minicloud.compute.manager.moves.legs import Leg, Ride, leg
from minicloud.compute.manager.moves.steps import end
from minicloud.compute.orders import spawn_order
from minicloud.context import RequestContext
from minicloud.objects import Instance, Migration, MigrationSource, MigrationTarget
from minicloud.states import VM, Task
from minicloud.virt.driver import Order
from minicloud.virt.live import migrating

LOG = logging.getLogger(__name__)

ARRIVE = Leg("compute_post_live_migration_at_destination", (Task.MIGRATING,), Task.MIGRATING)


def prepare(host: Host, ctxt: RequestContext, instance: Instance, source: MigrationSource) -> MigrationTarget:
    """What was prepared goes again when it fails."""
    with host.locks.hold(instance.uuid, "preparation for a live migration") as cancelled:
        driver = migrating(host.driver)
        found = host.network.describe(ctxt, [instance.uuid])
        vifs = tuple(found.get(instance.uuid, instance.network_info))
        order = spawn_order(host, ctxt, Order(instance, cancelled), purpose="live_migration", vifs=vifs)
        try:
            return driver.prepare_destination(order, source)
        except Exception:
            driver.rollback_destination(order)
            raise


def finish(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """The server is this host's by now; idempotent."""

    def give_up(ride: Ride, error: Exception) -> None:
        """It is here, for good or ill."""
        changes = {"vm_state": VM.ERROR, "task_state": None}
        ride.record(changes, fault=fault(error), finish_action=True, **failed(ARRIVE.event, error))
        end(host, ctxt, migration, "error", arrived=True)

    with leg(host, ctxt, instance, ARRIVE, give_up) as ride:
        if ride is None:
            return
        host.network.rebind(ctxt, instance.uuid, host.name)
        order = ride.spawn_order(ride.instance, "live_migration")
        migrating(host.driver).finish_at_destination(order)
        end(host, ctxt, migration, "completed", arrived=True)
        changes = {
            "task_state": None,
            "power_state": int(host.driver.power_state(instance.uuid)),
            "network_info": order.vifs,
            "progress": 0,
        }
        ride.record(changes, finish_action=True)
