# SPDX-License-Identifier: Apache-2.0
"""The source's part of a live migration."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import verb
from minicloud.compute.manager.base import failed, fault
from minicloud.compute.manager.moves.legs import Leg, Ride, leg
from minicloud.compute.manager.moves.steps import end
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate, Migration, MigrationProgress
from minicloud.states import VM, Task
from minicloud.virt.driver import Cancelled
from minicloud.virt.live import migrating

LOG = logging.getLogger(__name__)

LEAVE = Leg("compute_live_migration", (Task.MIGRATING,), Task.MIGRATING)

#: Seconds between two reports to the conductor.
_PACE = 1.0


class Interrupted(exception.MinicloudError):
    template = "The host was restarted during the live migration."


class Lost(exception.MinicloudError):
    template = "After the live migration neither {source} nor {destination} has the guest."


def live_migrate(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration, block: bool) -> None:
    """Wait for a turn, prepare, move, hand over."""
    with host.traffic.listed(migration.uuid) as aborted:

        def give_up(ride: Ride, error: Exception) -> None:
            settle(ride, migration, exception.MigrationAborted() if aborted.is_set() else error)

        with leg(host, ctxt, instance, LEAVE, give_up) as ride:
            if ride is None:
                return

            def check() -> None:
                if ride.order.cancelled.is_set():
                    raise Cancelled()
                if aborted.is_set():
                    raise exception.MigrationAborted()

            with host.traffic.turn(host.conf.compute.max_concurrent_live_migrations, check):
                _move(ride, migration, block, aborted)
            hand_over(ride, migration)


def _move(ride: Ride, migration: Migration, block: bool, aborted: threading.Event) -> None:
    host, ctxt = ride.host, ride.ctxt
    driver = migrating(host.driver)
    host.conductor.change_migration(ctxt, migration.uuid, "preparing")
    facts = driver.migration_source(ride.order)
    target = host.computes.prepare_destination(ctxt, migration.dest_compute, ride.instance, facts)
    host.conductor.change_migration(ctxt, migration.uuid, "running")
    if aborted.is_set():
        raise exception.MigrationAborted()
    driver.live_migrate(ride.order, target, block=block, progress=_Reporter(ride, migration))


class _Reporter:
    """Tells the conductor now and then how far it is."""

    def __init__(self, ride: Ride, migration: Migration) -> None:
        self._ride = ride
        self._migration = migration
        self._next = 0.0

    def __call__(self, progress: MigrationProgress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PACE
        try:
            self._ride.host.conductor.report_progress(self._ride.ctxt, self._migration, progress)
        except exception.MinicloudError as error:
            LOG.info("Progress is not recorded: %s [instance: %s]", error, self._ride.instance.uuid)


def hand_over(ride: Ride, migration: Migration) -> None:
    """The guest runs at the destination: from here on nothing may be undone, whatever fails."""
    host, ctxt, one = ride.host, ride.ctxt, ride.instance
    with suppress(exception.MinicloudError):
        host.conductor.change_migration(ctxt, migration.uuid, "post-migrating")
    try:
        # At once, since the guest talks from there already; the destination makes sure of it.
        host.network.rebind(ctxt, one.uuid, migration.dest_compute)
    except Exception as error:
        LOG.warning("Ports are left to the destination: %s [instance: %s]", error, one.uuid)
    step = InstanceUpdate(
        uuid=one.uuid,
        changes={"task_state": Task.MIGRATING, "host": migration.dest_compute, "node": migration.dest_node},
        # An operator may have reset the state meanwhile; where the guest is, is true all the same.
        expected_task_states=(Task.MIGRATING, None),
        expected_host=host.name,
        finish_event=LEAVE.event,
    )
    after = host.update_instance(ctxt, step)
    host.computes.finish_live_migration(ctxt, migration.dest_compute, after, migration)
    try:
        migrating(host.driver).clean_source(ride.order)
    except Exception as error:
        LOG.warning("What the guest left is left to the next start: %s [instance: %s]", error, one.uuid)


def settle(ride: Ride, migration: Migration, error: Exception) -> None:
    """Something went wrong: the server is where its guest is."""
    host, ctxt, one = ride.host, ride.ctxt, ride.instance
    if one.uuid in host.driver.guests():
        _stay(ride, migration, error)
    elif host.computes.has_guest(ctxt, migration.dest_compute, one):
        LOG.warning("The guest has arrived all the same: %s [instance: %s]", error, one.uuid)
        hand_over(ride, migration)
    else:
        lost = Lost(source=migration.source_compute, destination=migration.dest_compute)
        changes = {"task_state": None, "vm_state": VM.ERROR, "power_state": 0}
        ride.record(changes, fault=fault(lost), finish_action=True, **failed(LEAVE.event, error))
        end(host, ctxt, migration, "error", arrived=False)


def _stay(ride: Ride, migration: Migration, error: Exception) -> None:
    """The guest never left: nothing of it is left at the destination."""
    host, ctxt, one = ride.host, ride.ctxt, ride.instance
    is_aborted = isinstance(error, exception.MigrationAborted)
    try:
        host.computes.rollback_destination(ctxt, migration.dest_compute, one)
    except exception.ServiceUnavailable as away:
        LOG.warning("Host %s learns at its start: %s [instance: %s]", migration.dest_compute, away, one.uuid)
    host.network.rebind(ctxt, one.uuid, host.name)
    changes = {"task_state": None, "power_state": int(verb.power_of(host, one.uuid)), "progress": 0}
    why = None if is_aborted else fault(error)
    ride.record(changes, fault=why, finish_action=True, **failed(LEAVE.event, error))
    end(host, ctxt, migration, "cancelled" if is_aborted else "error", arrived=False)


def recover(host: Host, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
    """After a restart: what went on is ended, and the server is where its guest is then."""

    def give_up(ride: Ride, error: Exception) -> None:
        LOG.warning("Left to its deadline: %s [instance: %s]", error, ride.instance.uuid)

    with leg(host, ctxt, instance, LEAVE, give_up) as ride:
        if ride is None:
            return
        if migration.status == "queued":
            settle(ride, migration, Interrupted())
            return
        migrating(host.driver).abort_migration(ride.order)
        settle(ride, migration, Interrupted())
