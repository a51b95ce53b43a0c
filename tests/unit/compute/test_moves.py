# SPDX-License-Identifier: Apache-2.0
"""Resizes and migrations between hosts: there, back, failures and restarts."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from minicloud import exception
from minicloud.compute.manager import sync
from minicloud.compute.service import ComputeService
from minicloud.context import RequestContext, admin
from minicloud.db.cell import actions, instances, moves
from minicloud.objects import Flavor, Instance, Migration, MigrationSource
from minicloud.states import Power, Task
from minicloud.virt import roles
from minicloud.virt.driver import Order
from minicloud.virt.fake import FakeDriver
from minicloud.web.moments import now
from tests.unit.compute.suite import FLAVOR, CellTest

BIG = Flavor(flavorid="2", name="m1.big", vcpus=2, memory_mb=128, root_gb=1)


class Moves(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = self.start_host("h1"), self.start_host("h2")

    def send(self, server: Instance, dest: str = "h2", vm_state: str = "active") -> Migration:
        """What API and scheduler do."""
        migration = Migration(
            uuid=str(uuid.uuid4()),
            instance_uuid=server.uuid,
            migration_type="resize",
            source_compute="h1",
            source_node="h1",
            dest_compute=dest,
            dest_node=dest,
            old_flavor=FLAVOR,
            new_flavor=BIG,
            old_vm_state=vm_state,
        )
        ctxt = self.act(server, "resize", Task.RESIZE_PREP)
        with self.db.writer() as conn:
            moves.create(conn, migration, now())
        self.compute.resize_instance(ctxt, "h1", self.get(server), migration)
        return migration

    def resized(self, **more: Any) -> tuple[Instance, Migration]:
        server = self.built()
        migration = self.send(server, **more)
        return self.until(server, vm_state="resized", task_state=None), migration

    def turn(self, server: Instance, migration: Migration, status: str) -> RequestContext:
        ctxt = RequestContext(user_id="u", project_id="p", request_id=f"req-{status}")
        with self.db.writer() as conn:
            moves.change(conn, migration.uuid, ["finished"], status, now())
            if status == "reverting":
                instances.update(conn, server.uuid, now(), task_state=Task.RESIZE_REVERTING)
            actions.start(conn, ctxt, [server.uuid], status, now())
        return ctxt

    def confirm(self, server: Instance, migration: Migration) -> None:
        ctxt = self.turn(server, migration, "confirming")
        self.compute.confirm_resize(ctxt, "h1", self.get(server), migration)

    def revert(self, server: Instance, migration: Migration) -> None:
        ctxt = self.turn(server, migration, "reverting")
        self.compute.revert_resize(ctxt, migration.dest_compute, self.get(server), migration)

    def status(self, migration: Migration) -> str:
        with self.db.reader() as conn:
            return moves.find(conn, uuid=migration.uuid)[0].status

    def guests(self, server: Instance) -> list[Power | None]:
        return [host.host.driver.guests().get(server.uuid) for host in (self.one, self.two)]

    def again(self, service: ComputeService) -> ComputeService:
        service.stop()
        return self.start_host(service.host.name)

    def test_there(self) -> None:
        server, migration = self.resized()
        self.assertEqual(("h2", "m1.big", Power.RUNNING), (server.host, server.flavor.name, server.power_state))
        self.assertEqual([Power.SHUTDOWN, Power.RUNNING], self.guests(server))
        self.assertEqual("h2", self.network.hosts[server.uuid])
        self.assertEqual("finished", self.status(migration))
        action = self.action(server, "req-resize")
        events = [(event.event, event.result, event.host) for event in action.events]
        self.assertEqual(
            [("compute_resize_instance", "Success", "h1"), ("compute_finish_resize", "Success", "h2")], events
        )
        self.assertIsNotNone(action.finish_time)

    def test_and_there_to_stay(self) -> None:
        server, migration = self.resized()
        self.confirm(server, migration)
        self.until(server, vm_state="active", task_state=None, host="h2")
        self.assertEqual([None, Power.RUNNING], self.guests(server))
        self.wait_for(lambda: (migration.uuid, True) in self.scheduler.moves)
        self.assertEqual("confirmed", self.status(migration))
        self.assertIsNotNone(self.action(server, "req-confirming").finish_time)

    def test_and_back(self) -> None:
        server, migration = self.resized()
        self.revert(server, migration)
        after = self.until(server, vm_state="active", task_state=None, host="h1")
        self.assertEqual(("m1.nano", Power.RUNNING), (after.flavor.name, after.power_state))
        self.assertEqual([Power.RUNNING, None], self.guests(server))
        self.assertEqual("h1", self.network.hosts[server.uuid])
        self.wait_for(lambda: (migration.uuid, False) in self.scheduler.moves)
        self.assertEqual("reverted", self.status(migration))

    def test_who_was_off_stays_off(self) -> None:
        server = self.built()
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), vm_state="stopped")
        migration = self.send(server, vm_state="stopped")
        server = self.until(server, vm_state="resized", task_state=None, power_state=Power.SHUTDOWN)
        self.confirm(server, migration)
        self.until(server, vm_state="stopped", task_state=None)

    def test_on_one_host(self) -> None:
        for turn, state in ((self.confirm, "m1.big"), (self.revert, "m1.nano")):
            server, migration = self.resized(dest="h1")
            self.assertEqual([Power.RUNNING, None], self.guests(server))
            turn(server, migration)
            after = self.until(server, vm_state="active", task_state=None)
            self.assertEqual((state, [Power.RUNNING, None]), (after.flavor.name, self.guests(server)))

    def test_a_source_that_cannot(self) -> None:
        server = self.built(metadata={"fake:fail_action": "migrate_out"})
        migration = self.send(server)
        after = self.until(server, vm_state="active", task_state=None, host="h1")
        self.assertIn("migrate_out", after.fault.message if after.fault else "")
        self.assertEqual("Error", self.action(server, "req-resize").message)
        self.wait_for(lambda: self.status(migration) == "error")
        self.wait_for(lambda: (migration.uuid, False) in self.scheduler.moves)
        self.assertEqual([Power.RUNNING, None], self.guests(server))

    def test_a_destination_that_cannot(self) -> None:
        server = self.built(metadata={"fake:fail_action": "finish_migration"})
        migration = self.send(server)
        after = self.until(server, vm_state="active", task_state=None, host="h1")
        self.assertEqual("m1.nano", after.flavor.name)
        self.assertIn("finish_migration", after.fault.message if after.fault else "")
        self.assertEqual("Error", self.action(server, "req-resize").message)
        self.assertEqual([Power.RUNNING, None], self.guests(server))
        self.wait_for(lambda: (migration.uuid, False) in self.scheduler.moves)

    def test_what_is_kept_survives_restarts(self) -> None:
        server, migration = self.resized()
        self.one, self.two = self.again(self.one), self.again(self.two)
        for host in (self.one, self.two):
            sync.check_orphans(host.host, admin(), destroy=True)
            host.sync()
        self.assertEqual([Power.SHUTDOWN, Power.RUNNING], self.guests(server))
        self.revert(self.get(server), migration)
        self.until(server, vm_state="active", host="h1")

    def test_restarts_go_on(self) -> None:
        for verb in ("migrate_out", "finish_migration"):
            server = self.built(metadata={"fake:hang": verb})
            self.send(server)
            which = "one" if verb == "migrate_out" else "two"
            task = Task.RESIZE_MIGRATING if which == "one" else Task.RESIZE_FINISH
            self.until(server, task_state=task)
            getattr(self, which).stop()
            with self.db.writer() as conn:
                instances.update(conn, server.uuid, now(), metadata={})
            setattr(self, which, self.start_host("h1" if which == "one" else "h2"))
            self.until(server, vm_state="resized", task_state=None, host="h2")

    def test_a_restart_confirms_and_reverts(self) -> None:
        server, migration = self.resized()
        other, way_back = self.resized()
        self.one.stop()
        self.turn(server, migration, "confirming")
        self.revert(other, way_back)
        self.until(other, host="h1")
        self.one = self.start_host("h1")
        self.until(server, vm_state="active", host="h2")
        self.until(other, vm_state="active", task_state=None, host="h1")
        self.assertEqual([None, Power.RUNNING], self.guests(server))

    def test_a_delete_leaves_nothing_on_either_host(self) -> None:
        server, migration = self.resized()
        self.delete(server)
        self.until(server, deleted=True)
        self.wait_for(lambda: self.guests(server) == [None, None])
        self.wait_for(lambda: (migration.uuid, True) in self.scheduler.moves)
        self.assertEqual("confirmed", self.status(migration))

    def test_twice_is_once(self) -> None:
        server, migration = self.resized()
        ctxt = self.turn(server, migration, "confirming")
        for _ in range(3):
            self.compute.confirm_resize(ctxt, "h1", self.get(server), migration)
            self.compute.resize_instance(ctxt, "h1", self.get(server), migration)
        self.until(server, vm_state="active", task_state=None)
        self.assertEqual([None, Power.RUNNING], self.guests(server))
        self.wait_for(lambda: self.scheduler.moves)
        self.assertEqual([(migration.uuid, True)], self.scheduler.moves)

    def test_nobody_confirms(self) -> None:
        self.conf.set_override("resize_confirm_window", 60, group="compute")
        server, migration = self.resized()
        self.two.confirm_resizes()
        self.assertEqual("finished", self.status(migration))
        with self.db.writer() as conn:
            moves.change(conn, migration.uuid, ["finished"], "finished", now() - timedelta(seconds=61))
        self.two.confirm_resizes()
        self.until(server, vm_state="active", task_state=None, host="h2")
        self.wait_for(lambda: self.status(migration) == "confirmed")
        self.assertEqual([None, Power.RUNNING], self.guests(server))


class FarDriver(FakeDriver, roles.SupportsDiskTransfer):
    """A fake host that sees no other's disks."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.fetched: list[str] = []
        self.error: Exception | None = None

    def lacks_disks(self, order: Order) -> bool:
        return order.instance.uuid not in self.fetched

    def offer_disks(self, order: Order) -> MigrationSource:
        return MigrationSource(driver="fake", data={"host": self.host})

    def fetch_disks(self, order: Order, source: MigrationSource, wanted: Callable[[], None]) -> None:
        wanted()
        if self.error is not None:
            raise self.error
        self.fetched += [order.instance.uuid, source.data["host"]]


class FarMoves(Moves):
    """All of the above again, and what is fetched."""

    def start_host(self, name: str = "h1", **seams: Any) -> ComputeService:
        return super().start_host(name, driver=FarDriver(self.conf, name), **seams)

    def test_disks_are_fetched_once_by_the_destination(self) -> None:
        server, migration = self.resized()
        drivers = [service.host.driver for service in (self.one, self.two)]
        self.assertEqual([[], [server.uuid, "h1"]], [driver.fetched for driver in drivers])  # type: ignore[attr-defined]
        self.revert(server, migration)
        self.until(server, vm_state="active", task_state=None, host="h1")
        self.assertEqual([], drivers[0].fetched)  # type: ignore[attr-defined]

    def test_disks_that_cannot_be_fetched_send_it_back(self) -> None:
        self.two.host.driver.error = exception.VirtError(reason="no road")  # type: ignore[attr-defined]
        server = self.built()
        self.send(server)
        after = self.until(server, vm_state="active", task_state=None, host="h1")
        self.assertIn("no road", str(after.fault))
        self.assertEqual([Power.RUNNING, None], self.guests(server))
