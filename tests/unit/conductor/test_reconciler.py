# SPDX-License-Identifier: Apache-2.0
"""What is overdue is ended, once, whoever looks."""

from __future__ import annotations

import threading
from datetime import timedelta

import sqlalchemy as sa

from minicloud.conductor.reconciler import Reconciler
from minicloud.db.cell import instances, services
from minicloud.db.cell.models import instances as table
from minicloud.objects import Instance, InstanceUpdate, PortOwner
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest


class Reconciles(CellTest):
    def overdue(self, one: Instance) -> None:
        late = now() - timedelta(seconds=5)
        with self.db.writer() as conn:
            conn.execute(sa.update(table).where(table.c.uuid == one.uuid).values(task_deadline=late))

    def reconciler(self) -> Reconciler:
        return Reconciler(self.conf, self.db, self.compute, SchedulerStub(self.transport), self.network)

    def test_a_task_that_never_ends_becomes_an_error_that_says_so(self) -> None:
        one = self.new_instance()
        begun = InstanceUpdate(uuid=one.uuid, changes={"task_state": "spawning"}, start_event="compute_build")
        ConductorStub(self.transport).update_instance(self.ctxt, begun)
        self.reconciler().run()
        self.assertEqual("spawning", self.get(one).task_state)
        self.overdue(one)
        self.reconciler().run()
        after = self.get(one)
        self.assertEqual(("error", None), (after.vm_state, after.task_state))
        self.assertRegex(
            str(after.fault), "spawning took longer than .* s; the last event was compute_build, on host h1"
        )
        action = self.action(one)
        self.assertEqual(("Error", "Error"), (action.message, action.events[0].result))
        self.assertIsNotNone(action.finish_time)

    def test_the_host_that_comes_late_undoes_its_build(self) -> None:
        host = self.start_host()
        one = self.build(metadata={"fake:build_seconds": "0.4"})
        self.until(one, task_state="spawning")
        self.overdue(one)
        self.reconciler().run()
        self.wait_for(lambda: not host.host.building)
        self.assertEqual(
            ("error", {}, {}), (self.get(one).vm_state, dict(host.host.driver.guests()), self.network.ports)
        )

    def test_a_delete_is_sent_again_to_a_host_that_is_up(self) -> None:
        host = self.start_host()
        one = self.built()
        self.act(one, "delete", "deleting")
        self.overdue(one)
        self.reconciler().run()
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])

    def test_a_delete_is_finished_for_a_host_that_is_gone(self) -> None:
        one = self.new_instance(host="lost")
        owner = PortOwner(project_id="p", uuid=one.uuid, hostname="web", host="lost")
        self.network.allocate(self.ctxt, owner, [], [])
        self.act(one, "delete", "deleting")
        self.overdue(one)
        with self.db.writer() as conn:
            services.report(conn, "lost", "minicloud-compute", "compute", 1, now() - timedelta(hours=1))
        self.reconciler().run()
        self.assertTrue(self.get(one).deleted)
        self.wait_for(lambda: self.scheduler.released == [one.uuid])
        self.assertEqual({}, self.network.ports)
        self.assertIsNone(self.action(one, "req-delete").message)
        self.assertEqual("Error", self.action(one).message)

    def test_of_many_conductors_one_acts(self) -> None:
        many = [self.new_instance(host="lost") for _ in range(5)]
        for one in many:
            self.act(one, "delete", "deleting")
            self.overdue(one)
        start = threading.Barrier(4)

        def run() -> None:
            reconciler = self.reconciler()
            start.wait()
            reconciler.run()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wait_for(lambda: len(self.scheduler.released) >= 5)
        self.assertEqual(sorted(one.uuid for one in many), sorted(self.scheduler.released))

    def test_claims_are_exclusive(self) -> None:
        one = self.new_instance()
        self.overdue(one)
        with self.db.writer() as conn:
            self.assertTrue(instances.claim_overdue(conn, one, now()))
            self.assertFalse(instances.claim_overdue(conn, one, now()))
