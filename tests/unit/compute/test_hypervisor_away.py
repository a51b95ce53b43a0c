# SPDX-License-Identifier: Apache-2.0
"""A hypervisor that does not answer for a while: nothing is claimed that nobody knows, and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from minicloud import exception
from minicloud.db.cell import instances, services
from minicloud.objects import Instance, Service
from minicloud.states import Power
from minicloud.virt.driver import Order, SpawnOrder
from minicloud.virt.fake import FakeDriver
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest


class LostDriver(FakeDriver):
    """One that can be lost, at once or in the middle of the next build."""

    is_lost = False
    loses_next = False

    def _ask(self) -> None:
        if self.is_lost:
            raise exception.HypervisorAway(reason="gone fishing")

    def ailment(self) -> str | None:
        return "gone fishing" if self.is_lost else None

    def guests(self) -> Mapping[str, Power]:
        self._ask()
        return super().guests()

    def power_state(self, instance_uuid: str) -> Power:
        self._ask()
        return super().power_state(instance_uuid)

    def spawn(self, order: SpawnOrder) -> None:
        super().spawn(order)
        self.is_lost = self.is_lost or self.loses_next
        self._ask()

    def destroy(self, order: Order) -> None:
        self._ask()
        super().destroy(order)

    def power_off(self, order: Order) -> None:
        self._ask()
        super().power_off(order)


class TestHypervisorAway(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.driver = LostDriver(self.conf, "h1")
        self.service = self.start_host(driver=self.driver)

    def record(self) -> Service:
        with self.db.reader() as conn:
            (found,) = services.find(conn, host="h1", binary="minicloud-compute")
        return found

    def stop(self, one: Instance) -> None:
        self.compute.stop_instance(self.act(one, "stop", "powering-off"), "h1", one)

    def test_new_servers_are_kept_away_until_it_is_back(self) -> None:
        self.driver.is_lost = True
        self.service.report()
        found = self.record()
        self.assertEqual((True, "AUTO: gone fishing"), (found.disabled, found.disabled_reason))
        self.driver.is_lost = False
        self.service.report()
        self.assertEqual((False, None), (self.record().disabled, self.record().disabled_reason))

    def test_what_an_operator_disabled_stays_so(self) -> None:
        with self.db.writer() as conn:
            services.update(conn, self.record().uuid, now(), disabled=True, disabled_reason="disk")
        for lost in (True, False):
            self.driver.is_lost = lost
            self.service.report()
            self.assertEqual((True, "disk"), (self.record().disabled, self.record().disabled_reason))

    def test_a_verb_that_nobody_heard_leaves_the_server_as_it_was(self) -> None:
        one = self.built()
        self.driver.is_lost = True
        self.stop(one)
        after = self.until(one, vm_state="active", task_state=None)
        self.assertEqual(Power.RUNNING, after.power_state)
        action = self.action(one, "req-stop")
        self.assertEqual("Error", action.message)
        self.assertIn("gone fishing", str(action.events[-1].details))
        self.driver.is_lost = False
        self.stop(one)
        self.until(one, vm_state="stopped", task_state=None)

    def test_a_delete_goes_on_when_it_is_back(self) -> None:
        one = self.built()
        self.driver.is_lost = True
        self.delete(one)
        self.wait_for(lambda: one.uuid in self.service.host.leftovers)
        self.assertEqual("deleting", self.get(one).task_state)
        self.service.clear_leftovers()
        self.assertEqual("deleting", self.get(one).task_state)
        self.driver.is_lost = False
        self.service.clear_leftovers()
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [self.service])
        self.assertEqual(set(), self.service.host.leftovers)

    def test_a_build_that_could_not_be_undone_is_undone_later(self) -> None:
        self.driver.loses_next = True
        one = self.build()
        self.wait_for(lambda: self.scheduler.retries)
        self.assertEqual({one.uuid}, self.service.host.leftovers)
        self.driver.is_lost = False
        # The scheduler gives it another host.
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), host="h2", node="h2")
        self.service.clear_leftovers()
        self.assertEqual({}, dict(self.driver.guests()))
        self.assertEqual(set(), self.service.host.leftovers)

    def test_a_server_that_came_back_keeps_its_guest(self) -> None:
        one = self.built()
        self.service.host.leftovers.add(one.uuid)
        self.service.clear_leftovers()
        self.assertEqual([one.uuid], list(self.driver.guests()))
        self.assertEqual(set(), self.service.host.leftovers)
