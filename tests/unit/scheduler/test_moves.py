# SPDX-License-Identifier: Apache-2.0
"""Hosts for servers that were shelved, go while they run, or lost their host: claims, and what a failure leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import oslo_messaging as messaging

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.db.api import mappings
from minicloud.db.cell import actions, instances, moves
from minicloud.objects import ActionEvent, Instance, Migration
from minicloud.scheduler.tasks.base import Environment
from minicloud.scheduler.tasks.evacuate import EvacuateTask
from minicloud.scheduler.tasks.live_migrate import LiveMigrateTask, Wish
from minicloud.scheduler.tasks.move import MoveTask
from minicloud.scheduler.tasks.resize import ResizeTask
from minicloud.scheduler.tasks.unshelve import UnshelveTask
from minicloud.web.moments import now
from tests.unit.scheduler.base import SMALL, SchedulerCase


class MovesCase(SchedulerCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_host("a")
        (self.server,) = self.boot()

    @property
    def instance(self) -> Instance:
        with self.cell.db.reader() as conn:
            return instances.get(conn, self.server)

    def begin(self, action: str, **changes: Any) -> None:
        """What the API does."""
        with self.cell.db.writer() as conn:
            instances.update(conn, self.server, now(), **changes)
            actions.start(conn, self.ctxt, [self.server], action, now())

    def message(self) -> str | None:
        """How the action ended."""
        with self.cell.db.reader() as conn:
            action = actions.list_for(conn, self.server, limit=1)[0]
        self.assertIsNotNone(action.finish_time)
        return action.message


class Unshelve(MovesCase):
    def setUp(self) -> None:
        super().setUp()
        self.manager.give_back(self.ctxt, self.server)
        self.begin("unshelve", vm_state="shelved_offloaded", task_state="unshelving", host=None, node=None)

    def unshelve(self, host: str | None = None) -> None:
        self.manager.unshelve_instance(self.ctxt, self.instance, host)

    def test_its_place_was_given_back_and_is_claimed_again(self) -> None:
        self.assertEqual(Counter(), self.hosts_used())
        self.add_host("b")
        self.unshelve("b")
        self.assertEqual(Counter(b=1), self.hosts_used())
        self.assertEqual(("b", "b.node", "unshelving"), tuple(getattr(self.instance, f) for f in FIELDS))
        self.assertEqual(["b"], [host for host, *_ in self.compute.unshelved])
        self.unshelve("a")
        self.assertEqual(Counter(b=1), self.hosts_used())
        self.assertEqual(1, len(self.compute.unshelved))

    def test_no_host_leaves_it_shelved(self) -> None:
        self.set_service("a", disabled=True)
        self.unshelve()
        one = self.instance
        self.assertEqual(("shelved_offloaded", None, None), (one.vm_state, one.task_state, one.host))
        self.assertIn("No valid host was found", one.fault.message if one.fault else "")
        self.assertEqual("Error", self.message())
        self.assertEqual(Counter(), self.hosts_used())

    def test_a_claim_without_a_host_is_a_leak(self) -> None:
        self.unshelve()
        with self.cell.db.writer() as conn:
            instances.update(conn, self.server, now(), task_state=None, host=None, node=None)
        self.recovery.give_back_leaks(now())
        self.assertEqual(Counter(), self.hosts_used())


class LiveMigrate(MovesCase):
    def setUp(self) -> None:
        super().setUp()
        for host in ("b", "c"):
            self.add_host(host)
        self.begin("live-migration", vm_state="active", task_state="migrating")

    def migrate(self, host: str | None = None, *, forced: bool = False, wait: bool = False) -> None:
        try:
            self.manager.live_migrate_instance(self.ctxt, self.instance, host, None, forced, wait)
        except messaging.ExpectedException as wrapped:
            raise wrapped.exc_info[1] from None

    def migration(self) -> Migration | None:
        with self.cell.db.reader() as conn:
            return moves.open_of(conn, self.server)

    def assert_stayed(self, text: str) -> None:
        one = self.instance
        self.assertEqual(("active", None, "a"), (one.vm_state, one.task_state, one.host))
        self.assertIn(text, str(one.fault))
        self.assertEqual(("Error", Counter(a=1)), (self.message(), self.hosts_used()))
        self.assertIsNone(self.migration())

    def test_both_hosts_are_claimed_until_it_is_over(self) -> None:
        self.migrate("b")
        migration = self.migration()
        assert migration is not None
        self.assertEqual(("live-migration", "queued"), (migration.migration_type, migration.status))
        self.assertEqual(["a"], [host for host, *_ in self.compute.moves])
        self.recovery.give_back_leaks(now())
        self.assertEqual(Counter(a=1, b=1), self.hosts_used())
        self.manager.migration_ended(self.ctxt, migration, True)
        self.assertEqual(Counter(b=1), self.hosts_used())

    def test_who_refuses_is_passed_over(self) -> None:
        self.compute.refusing.add("b")
        self.migrate()
        self.assertEqual(Counter(a=1, c=1), self.hosts_used())

    def test_nobody_wants_it(self) -> None:
        self.compute.refusing |= {"b", "c"}
        self.migrate()
        self.assert_stayed("b does not want it")

        event = self.last_event()
        self.assertEqual(("scheduler_select_host", "Error"), (event.event, event.result))
        self.assertIn("No valid host", str(event.details))
        self.assertIn("c does not want it", str(event.traceback))

    def last_event(self) -> ActionEvent:
        with self.cell.db.reader() as conn:
            action = actions.list_for(conn, self.server, limit=1)[0]
            return actions.get(conn, self.server, action.request_id).events[-1]

    def test_the_one_that_was_asked_for_does_not(self) -> None:
        self.compute.refusing.add("b")
        self.assertRaises(exception.MigrationPreCheckError, self.migrate, "b", wait=True)
        self.assert_stayed("b does not want it")
        self.assertIn("b does not want it", str(self.last_event().details))

    def test_a_guest_that_cannot_leave(self) -> None:
        self.compute.refusing.add("a")
        self.migrate()
        self.assert_stayed("does not exist on this host")

    def test_forced_past_the_filters_but_not_past_what_there_is(self) -> None:
        self.set_service("b", disabled=True)
        self.assertRaises(exception.NoValidHost, self.migrate, "b", wait=True)
        self.begin("live-migration", task_state="migrating")
        self.migrate("b", forced=True)
        self.assertEqual(Counter(a=1, b=1), self.hosts_used())


class Evacuate(MovesCase):
    def setUp(self) -> None:
        super().setUp()
        marks = {"evacuating": "True"}
        self.begin("evacuate", vm_state="active", task_state="rebuilding", system_metadata=marks)
        self.set_service("a", forced_down=True)

    def evacuate(self, host: str | None = None) -> None:
        self.manager.evacuate_instance(self.ctxt, self.instance, host, False, False)

    def test_what_it_had_is_held_until_its_host_is_back(self) -> None:
        self.add_host("b")
        self.evacuate()
        ((host, _one, migration),) = self.compute.moves
        self.assertEqual(("b", "evacuation", "accepted"), (host, migration.migration_type, migration.status))
        with self.cell.db.writer() as conn:
            moves.change(conn, migration.uuid, ["accepted"], "done", now())
        self.recovery.give_back_leaks(now())
        self.assertEqual(Counter(a=1, b=1), self.hosts_used())
        self.ctxt = RequestContext(user_id="u", project_id="p", request_id="req-2", overwrite=False)
        self.evacuate()
        self.assertEqual(2, len(self.compute.moves), "one that has arrived may be evacuated again")

    def test_no_host_is_an_error_that_may_be_tried_again(self) -> None:
        self.evacuate()
        one = self.instance
        self.assertEqual(("error", None, "a", {}), (one.vm_state, one.task_state, one.host, one.system_metadata))
        self.assertIn("No valid host was found", str(one.fault))
        self.assertEqual(("Error", Counter(a=1)), (self.message(), self.hosts_used()))


class Forgotten(MovesCase):
    """Servers for which nobody looks for a host any more."""

    MOVES: ClassVar[dict[str, tuple[dict[str, Any], Callable[[Environment, RequestContext, Instance], MoveTask]]]] = {
        "resize": (
            {"vm_state": "active", "task_state": "resize_prep"},
            lambda env, ctxt, one: ResizeTask(env, ctxt, one, one.flavor.replace(flavorid="big", vcpus=2), None),
        ),
        "live-migration": (
            {"vm_state": "active", "task_state": "migrating"},
            lambda env, ctxt, one: LiveMigrateTask(env, ctxt, one, Wish()),
        ),
        "evacuate": (
            {"vm_state": "active", "task_state": "rebuilding", "system_metadata": {"evacuating": "True"}},
            lambda env, ctxt, one: EvacuateTask(env, ctxt, one, None, False, False),
        ),
        "unshelve": (
            {"vm_state": "shelved_offloaded", "task_state": "unshelving", "host": None, "node": None},
            lambda env, ctxt, one: UnshelveTask(env, ctxt, one, None),
        ),
    }

    def setUp(self) -> None:
        super().setUp()
        self.add_host("b")
        self.restart(allow_resize_to_same_host=False)

    def forget(self, action: str, last: str | None) -> tuple[str, Counter[str]]:
        """A move whose scheduler is killed after a step, or before all; the state before it, and what was claimed."""
        self.ctxt = RequestContext(user_id="u", project_id="p", overwrite=False)
        changes, make = self.MOVES[action]
        if action == "unshelve":
            self.manager.give_back(self.ctxt, self.server)
        before = self.hosts_used()
        self.begin(action, **changes)
        steps = make(self.env, self.ctxt, self.instance).steps()
        names = [step.__name__ for step in steps]
        for step in steps[: names.index(last) + 1 if last else 0]:
            step()
        return changes["vm_state"], before

    def test_it_stays_as_it_is_and_says_why(self) -> None:
        for action in self.MOVES:
            for last in (None, "choose"):
                state, before = self.forget(action, last)
                for _ in range(2):
                    self.recovery.run()
                one = self.instance
                self.assertEqual((None, before), (one.task_state, self.hosts_used()), action)
                self.assertEqual("error" if action == "evacuate" else state, one.vm_state)
                self.assertIn("No host was found for it in time", str(one.fault))
                self.assertEqual("Error", self.message())
                with self.api_db.reader() as conn:
                    self.assertEqual(SMALL.vcpus, mappings.usage(conn, "p").cores)

    def test_somebody_may_be_at_it(self) -> None:
        self.restart(recovery_age=60.0)
        for action in ("resize", "live-migration"):
            self.forget(action, "choose")
            self.recovery.run(age=0)
            self.assertIsNotNone(self.instance.task_state)
            self.assertEqual(Counter(a=1, b=1), self.hosts_used(), action)
            self.restart(recovery_age=0.0)
            self.recovery.run()
            self.restart(recovery_age=60.0)

    def test_a_rebuild_is_its_hosts(self) -> None:
        self.begin("rebuild", vm_state="active", task_state="rebuilding")
        self.recovery.run()
        self.assertEqual("rebuilding", self.instance.task_state)


FIELDS = ("host", "node", "task_state")
