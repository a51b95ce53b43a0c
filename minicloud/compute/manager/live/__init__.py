# SPDX-License-Identifier: Apache-2.0
"""Servers that go to another host while they run.

The source leads (:mod:`source`): it waits for its turn, lets the destination prepare, moves
the guest, and hands the server over by one compare-and-swap of its host. The destination
(:mod:`destination`) then ends it. Where the guest is decides how it ended, not what was recorded.
"""

from __future__ import annotations

import threading

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager.base import Endpoint
from minicloud.compute.manager.live import destination, source
from minicloud.context import RequestContext
from minicloud.objects import Instance, Migration, MigrationSource, MigrationTarget
from minicloud.rpc.base import expected
from minicloud.rpc.compute import ComputeStub
from minicloud.states import Task
from minicloud.virt.driver import Order
from minicloud.virt.live import SupportsLiveMigration, migrating

__all__ = ["LiveMigrationEndpoint", "recover", "recover_left"]


class LiveMigrationEndpoint(Endpoint):
    STUB = ComputeStub

    # --- at the source ---

    @expected(exception.MinicloudError)
    def migration_source(self, ctxt: RequestContext, instance: Instance) -> MigrationSource:
        return migrating(self._host.driver).migration_source(_order(instance))

    def live_migrate_instance(
        self, ctxt: RequestContext, instance: Instance, migration: Migration, block: bool
    ) -> None:
        self._host.submit(ctxt, lambda: source.live_migrate(self._host, ctxt, instance, migration, block))

    def abort_live_migration(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        """No lock: the migration has it."""
        if self._host.traffic.abort(migration.uuid):
            migrating(self._host.driver).abort_migration(_order(instance))

    def force_complete_live_migration(self, ctxt: RequestContext, instance: Instance) -> None:
        migrating(self._host.driver).force_complete(_order(instance))

    # --- at the destination ---

    @expected(exception.MinicloudError)
    def check_destination(
        self, ctxt: RequestContext, instance: Instance, source: MigrationSource, block: bool | None
    ) -> bool:
        return migrating(self._host.driver).check_destination(_order(instance), source, block=block)

    @expected(exception.MinicloudError)
    def prepare_destination(self, ctxt: RequestContext, instance: Instance, source: MigrationSource) -> MigrationTarget:
        return destination.prepare(self._host, ctxt, instance, source)

    def rollback_destination(self, ctxt: RequestContext, instance: Instance) -> None:
        with self._host.locks.hold(instance.uuid, "rollback of a live migration") as cancelled:
            migrating(self._host.driver).rollback_destination(Order(instance, cancelled))

    def has_guest(self, ctxt: RequestContext, instance: Instance) -> bool:
        return instance.uuid in self._host.driver.guests()

    def finish_live_migration(self, ctxt: RequestContext, instance: Instance, migration: Migration) -> None:
        self._host.submit(ctxt, lambda: destination.finish(self._host, ctxt, instance, migration))


def _order(instance: Instance) -> Order:
    return Order(instance, threading.Event())


def recover(host: Host, ctxt: RequestContext, instance: Instance) -> bool:
    """After a restart: find out where a server of this host is that was on its way; whether it was."""
    if instance.task_state != Task.MIGRATING:
        return False
    migration = host.conductor.open_migration(ctxt, instance.uuid)
    if migration is None or not migration.is_live:
        return True  # the scheduler has not chosen yet, and will tell
    if host.name == migration.dest_compute:
        host.submit(ctxt, lambda: destination.finish(host, ctxt, instance, migration))
    else:
        host.submit(ctxt, lambda: source.recover(host, ctxt, instance, migration))
    return True


def recover_left(host: Host, ctxt: RequestContext) -> None:
    """After a restart: remove what servers left behind that had just gone."""
    if not isinstance(host.driver, SupportsLiveMigration):
        return
    for migration in host.conductor.open_migrations(ctxt, host.name):
        if migration.is_live and migration.source_compute == host.name:
            instance = host.conductor.get_instance(ctxt, migration.instance_uuid)
            if instance.host == migration.dest_compute:
                host.driver.clean_source(_order(instance))
