# SPDX-License-Identifier: Apache-2.0
"""Servers whose host is gone: made anew elsewhere, and what the old host does when it comes back."""

from __future__ import annotations

import uuid

from minicloud.compute.manager.moves import evacuate
from minicloud.compute.service import ComputeService
from minicloud.context import admin
from minicloud.db.cell import instances, moves
from minicloud.objects import Instance, Migration
from minicloud.states import Power, Task
from minicloud.web.moments import now
from tests.unit.compute.suite import FLAVOR, CellTest


class Evacuations(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = self.start_host("h1"), self.start_host("h2")

    def record(self, server: Instance, status: str = "accepted") -> Migration:
        """What API and scheduler write."""
        migration = Migration(
            uuid=str(uuid.uuid4()),
            instance_uuid=server.uuid,
            migration_type="evacuation",
            status=status,
            source_compute="h1",
            source_node="h1",
            dest_compute="h2",
            dest_node="h2",
            old_flavor=FLAVOR,
            new_flavor=FLAVOR,
            old_vm_state=server.vm_state,
        )
        self.ctxt = self.act(server, "evacuate", Task.REBUILDING)
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), system_metadata={"evacuating": "True"})
            moves.create(conn, migration, now())
        return migration

    def send(self, server: Instance, *, stop: bool = False) -> Migration:
        migration = self.record(server)
        self.compute.evacuate_instance(self.ctxt, "h2", self.get(server), migration, stop)
        return migration

    def status(self, migration: Migration) -> str:
        with self.db.reader() as conn:
            return moves.find(conn, uuid=migration.uuid)[0].status

    def guest(self, host: ComputeService, server: Instance) -> Power | None:
        return host.host.driver.guests().get(server.uuid)

    def test_there_and_the_old_host_comes_back(self) -> None:
        server = self.built()
        self.one.stop()
        migration = self.send(server)
        after = self.until(server, task_state=None, vm_state="active", host="h2")
        self.assertEqual((Power.RUNNING, {}), (self.guest(self.two, server), after.system_metadata))
        self.assertEqual("h2", self.network.hosts[server.uuid])
        self.wait_for(lambda: self.status(migration) == "done")
        self.assertEqual([], self.scheduler.moves, "what it has there stays claimed")
        self.assertIsNotNone(self.action(server, "req-evacuate").finish_time)
        self.one = self.start_host("h1")
        self.wait_for(lambda: self.status(migration) == "completed")
        self.assertIsNone(self.guest(self.one, server))
        self.assertEqual(Power.RUNNING, self.guest(self.two, server))
        self.assertIn((migration.uuid, True), self.scheduler.moves)

    def test_who_was_off_or_is_to_be_off_is_off(self) -> None:
        for vm_state, stop in (("stopped", False), ("active", True)):
            server = self.built()
            with self.db.writer() as conn:
                server = instances.update(conn, server.uuid, now(), vm_state=vm_state)
            self.send(server, stop=stop)
            self.until(server, task_state=None, vm_state="stopped", host="h2", power_state=Power.SHUTDOWN)

    def test_a_failure_gives_everything_back(self) -> None:
        server = self.built(metadata={"fake:fail_action": "evacuate"})
        self.one.stop()
        migration = self.send(server)
        after = self.until(server, task_state=None, vm_state="error", host="h1")
        self.assertIn("evacuate", after.fault.message if after.fault else "")
        self.assertIsNone(self.guest(self.two, server))
        self.assertEqual("h1", self.network.hosts[server.uuid])
        self.wait_for(lambda: self.status(migration) == "failed")
        self.wait_for(lambda: [(migration.uuid, False)] == self.scheduler.moves)
        self.one = self.start_host("h1")
        self.wait_for(lambda: self.guest(self.one, server) == Power.RUNNING)

    def test_a_destination_that_stops_begins_again(self) -> None:
        server = self.built(metadata={"fake:delay:evacuate": "1"})
        self.one.stop()
        migration = self.send(server)
        self.wait_for(lambda: self.get(server).host == "h2")
        self.two.stop()
        self.assertEqual(("rebuilding", "pre-migrating"), (self.get(server).task_state, self.status(migration)))
        self.two = self.start_host("h2")
        self.until(server, task_state=None, vm_state="active", host="h2")
        self.wait_for(lambda: self.status(migration) == "done")

    def test_the_word_that_was_lost_is_said_at_the_next_start(self) -> None:
        server = self.built("h2")
        migration = self.record(server, "pre-migrating")
        self.two.stop()
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), task_state=None)
        self.two = self.start_host("h2")
        self.wait_for(lambda: self.status(migration) == "done")

    def test_an_old_host_that_is_early_lets_it_alone(self) -> None:
        server = self.built()
        self.one.stop()
        self.record(server)
        self.one = self.start_host("h1")
        evacuate.clean(self.one.host, admin())
        self.assertEqual(("h1", "rebuilding"), (self.get(server).host, self.get(server).task_state))
        self.assertEqual(Power.RUNNING, self.guest(self.one, server))
        self.assertEqual([], [event.event for event in self.action(server, "req-evacuate").events])

    def test_a_server_that_is_here_again_is_not_removed(self) -> None:
        server = self.built()
        migration = self.record(server, "done")
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), task_state=None)
        evacuate.clean(self.one.host, admin())
        self.assertEqual((Power.RUNNING, "completed"), (self.guest(self.one, server), self.status(migration)))
