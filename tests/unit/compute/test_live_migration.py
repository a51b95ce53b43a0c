# SPDX-License-Identifier: Apache-2.0
"""Live migrations between hosts: there, failures at every step, aborts, and hosts that stop on the way."""

from __future__ import annotations

import threading
import uuid
from typing import Any, cast

from minicloud.compute.service import ComputeService
from minicloud.db.cell import instances, moves
from minicloud.objects import Instance, Migration
from minicloud.rpc.compute import ComputeStub
from minicloud.states import Power, Task
from minicloud.virt.driver import SpawnOrder
from minicloud.web.moments import now
from tests.unit.compute.suite import FLAVOR, CellTest


class LiveMigrations(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = self.start_host("h1"), self.start_host("h2")

    def send(self, server: Instance) -> Migration:
        """What API and scheduler do."""
        migration = Migration(
            uuid=str(uuid.uuid4()),
            instance_uuid=server.uuid,
            migration_type="live-migration",
            status="queued",
            source_compute="h1",
            source_node="h1",
            dest_compute="h2",
            dest_node="h2",
            old_flavor=FLAVOR,
            new_flavor=FLAVOR,
            old_vm_state=server.vm_state,
        )
        ctxt = self.act(server, "live-migration", Task.MIGRATING)
        with self.db.writer() as conn:
            moves.create(conn, migration, now())
        self.compute.live_migrate_instance(ctxt, "h1", self.get(server), migration, True)
        return migration

    def now(self, migration: Migration) -> Migration:
        with self.db.reader() as conn:
            return moves.find(conn, uuid=migration.uuid)[0]

    def until_status(self, migration: Migration, status: str) -> None:
        self.wait_for(lambda: self.now(migration).status == status)

    def guests(self, server: Instance) -> list[Power | None]:
        return [host.host.driver.guests().get(server.uuid) for host in (self.one, self.two)]

    def again(self, service: ComputeService) -> ComputeService:
        service.stop()
        return self.start_host(service.host.name)

    def assert_stayed(self, server: Instance, migration: Migration, status: str = "error") -> Instance:
        after = self.until(server, task_state=None, vm_state="active", host="h1")
        self.until_status(migration, status)
        self.wait_for(lambda: self.guests(server) == [Power.RUNNING, None])
        self.wait_for(lambda: (migration.uuid, False) in self.scheduler.moves)
        self.assertEqual("h1", self.network.hosts.get(server.uuid, "h1"))
        self.assertEqual("Error", self.action(server, "req-live-migration").message)
        return after

    def test_there(self) -> None:
        server = self.built()
        migration = self.send(server)
        after = self.until(server, task_state=None, vm_state="active", host="h2")
        self.assertEqual([None, Power.RUNNING], self.guests(server))
        self.assertEqual(("h2", Power.RUNNING), (self.network.hosts[server.uuid], after.power_state))
        self.assertEqual("completed", self.now(migration).status)
        self.wait_for(lambda: (migration.uuid, True) in self.scheduler.moves)
        action = self.action(server, "req-live-migration")
        self.assertEqual(
            [
                ("compute_live_migration", "Success", "h1"),
                ("compute_post_live_migration_at_destination", "Success", "h2"),
            ],
            [(event.event, event.result, event.host) for event in action.events],
        )
        self.assertIsNotNone(action.finish_time)
        console = self.compute.get_console_output(self.ctxt, "h2", server, None)
        self.assertEqual(1, console.count("=== boot"), "it was started again")

    def test_the_frozen_stay_frozen(self) -> None:
        server = self.built()
        ctxt = self.act(server, "pause", Task.PAUSING)
        self.compute.pause_instance(ctxt, "h1", self.get(server))
        server = self.until(server, vm_state="paused", task_state=None)
        self.send(server)
        self.until(server, vm_state="paused", task_state=None, host="h2", power_state=Power.PAUSED)
        self.assertEqual([None, Power.PAUSED], self.guests(server))

    def test_every_step_can_fail(self) -> None:
        for step in ("prepare_destination", "live_migration"):
            server = self.built(metadata={"fake:fail_action": step})
            after = self.assert_stayed(server, self.send(server))
            self.assertIn(step, after.fault.message if after.fault else "")

    def test_who_arrives_badly_is_in_error_where_it_is(self) -> None:
        server = self.built(metadata={"fake:fail_action": "finish_at_destination"})
        migration = self.send(server)
        after = self.until(server, task_state=None, vm_state="error", host="h2")
        self.assertIn("finish_at_destination", after.fault.message if after.fault else "")
        self.wait_for(lambda: (migration.uuid, True) in self.scheduler.moves)
        self.until_status(migration, "error")

    def test_a_source_that_cannot_be_cleaned_is_cleaned_at_its_start(self) -> None:
        server = self.built(metadata={"fake:fail_action": "clean_source"})
        self.send(server)
        self.until(server, task_state=None, vm_state="active", host="h2")
        self.one = self.again(self.one)
        self.wait_for(lambda: self.guests(server) == [None, Power.RUNNING])

    def test_progress_and_abort(self) -> None:
        server = self.built(metadata={"fake:delay:live_migration": "60"})
        migration = self.send(server)
        self.until_status(migration, "running")
        self.wait_for(lambda: self.now(migration).memory_total == 64 << 20)
        seen = self.now(migration)
        self.assertEqual((64 << 20, 1 << 30), (seen.memory_processed + seen.memory_remaining, seen.disk_total))
        self.compute.abort_live_migration(self.ctxt, "h1", server, migration)
        after = self.assert_stayed(server, migration, "cancelled")
        self.assertIsNone(after.fault)

    def test_forced_to_its_end(self) -> None:
        server = self.built(metadata={"fake:hang": "live_migration"})
        migration = self.send(server)
        self.until_status(migration, "running")
        self.wait_for(lambda: self.now(migration).memory_total)
        self.compute.force_complete_live_migration(self.ctxt, "h1", server)
        self.until(server, task_state=None, vm_state="active", host="h2")

    def test_one_at_a_time_and_the_waiting_can_be_aborted(self) -> None:
        first = self.built(metadata={"fake:hang": "live_migration"})
        going = self.send(first)
        self.until_status(going, "running")
        second = self.built()
        waiting = self.send(second)
        third = self.built()
        last = self.send(third)
        self.wait_for(lambda: self.compute_event(third) == "compute_live_migration")
        self.assertEqual("queued", self.now(waiting).status)
        self.compute.abort_live_migration(self.ctxt, "h1", second, waiting)
        self.assert_stayed(second, waiting, "cancelled")
        self.compute.abort_live_migration(self.ctxt, "h1", first, going)
        self.assert_stayed(first, going, "cancelled")
        self.until_status(last, "completed")

    def compute_event(self, server: Instance) -> str | None:
        events = self.action(server, "req-live-migration").events
        return events[-1].event if events else None

    def test_a_delete_wins(self) -> None:
        server = self.built(metadata={"fake:hang": "live_migration"})
        migration = self.send(server)
        self.until_status(migration, "running")
        self.delete(server)
        self.until(server, deleted=True)
        self.wait_for(lambda: self.guests(server) == [None, None])
        self.until_status(migration, "cancelled")
        self.assert_nothing_left(server, [self.one, self.two])

    def test_a_source_that_stops_keeps_it(self) -> None:
        server = self.built(metadata={"fake:hang": "live_migration"})
        migration = self.send(server)
        self.until_status(migration, "running")
        self.one = self.again(self.one)
        after = self.assert_stayed(server, migration)
        self.assertIn("restarted", after.fault.message if after.fault else "")

    def test_a_source_that_stopped_after_the_guest_had_gone_says_so(self) -> None:
        server = self.built()
        self.one.stop()
        migration = self.interrupted(server, "running")
        driver, there = self.one.host.driver, self.two.host.driver
        facts = driver.migration_source(self.order(server))  # type: ignore[attr-defined]  # of the fake driver
        there.prepare_destination(self.order(server), facts)  # type: ignore[attr-defined]
        driver.clean_source(self.order(server))  # type: ignore[attr-defined]
        self.one = self.start_host("h1")
        self.until(server, task_state=None, vm_state="active", host="h2", power_state=Power.RUNNING)
        self.until_status(migration, "completed")

    def test_a_guest_that_is_nowhere_is_an_error(self) -> None:
        server = self.built()
        self.one.stop()
        migration = self.interrupted(server, "running")
        self.one.host.driver.clean_source(self.order(server))  # type: ignore[attr-defined]
        self.one = self.start_host("h1")
        after = self.until(server, task_state=None, vm_state="error", host="h1")
        self.assertIn("neither h1 nor h2", after.fault.message if after.fault else "")
        self.until_status(migration, "error")

    def test_a_destination_that_stops_at_the_end_goes_on(self) -> None:
        server = self.built()
        self.two.stop()
        migration = self.interrupted(server, "post-migrating")
        facts = self.one.host.driver.migration_source(self.order(server))  # type: ignore[attr-defined]
        self.two.host.driver.prepare_destination(self.order(server), facts)  # type: ignore[attr-defined]
        self.one.host.driver.clean_source(self.order(server))  # type: ignore[attr-defined]
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), host="h2", node="h2")
        self.two = self.start_host("h2")
        self.until(server, task_state=None, vm_state="active", power_state=Power.RUNNING)
        self.until_status(migration, "completed")
        self.assertEqual([None, Power.RUNNING], self.guests(server))

    def interrupted(self, server: Instance, status: str) -> Migration:
        """A migration of which only the records are left."""
        self.compute, stub = cast(ComputeStub, _Silent()), self.compute
        migration = self.send(server)
        self.compute = stub
        with self.db.writer() as conn:
            moves.change(conn, migration.uuid, moves.OPEN, status, now())
        return migration

    def order(self, server: Instance) -> Any:
        return SpawnOrder(server, threading.Event())


class _Silent:
    """In place of a stub: sends nothing."""

    def live_migrate_instance(self, *_arguments: object) -> None:
        pass
