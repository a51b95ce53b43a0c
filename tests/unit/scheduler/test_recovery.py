# SPDX-License-Identifier: Apache-2.0
"""A scheduler killed between any two steps, and what the next one makes of it."""

from __future__ import annotations

from datetime import timedelta

from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances
from minicloud.objects import CELL0_UUID, BuildRequest, Decision
from minicloud.placement import claims
from minicloud.placement.claims import Claim
from minicloud.scheduler.tasks.base import Step, Task
from minicloud.scheduler.tasks.build import BuildTask
from minicloud.scheduler.tasks.retry import RetryTask
from minicloud.web.moments import now
from tests.unit.scheduler.base import SMALL, SchedulerCase

BUILD_STEPS = ("place", "write", "settle", "send")
RETRY_STEPS = ("find", "choose", "update", "send")


class Killed(BaseException):
    """kill -9: no handler runs."""


class Dying(Task):
    """Mixed into a task: dies right after one of its steps."""

    dies_after = ""

    def steps(self) -> tuple[Step, ...]:
        return tuple(step for each in super().steps() for step in (each, self._end(each.__name__)))  # type: ignore

    def _end(self, name: str) -> Step:
        def die() -> None:
            if name == self.dies_after:
                raise Killed

        return die


class DyingBuild(Dying, BuildTask):
    pass


class DyingRetry(Dying, RetryTask):
    pass


class Build(SchedulerCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(3):
            self.add_host(f"h{number}")

    def kill_after(self, step: str, requests: list[BuildRequest]) -> None:
        task = DyingBuild(self.env, self.ctxt, requests)
        task.dies_after = step
        self.assertRaises(Killed, task.execute)
        self.restart()

    def test_is_finished_after_a_kill_at_any_step(self) -> None:
        for step in BUILD_STEPS:
            requests = self.accept(5)
            self.kill_after(step, requests)
            self.recovery.run(age=0)
            self.assert_whole([one.instance.uuid for one in requests])

    def test_is_finished_when_the_message_was_lost(self) -> None:
        requests = self.accept(2)
        self.recovery.run(age=60)
        self.assertEqual([], self.compute.told)
        self.recovery.run(age=0)
        self.assert_whole([one.instance.uuid for one in requests])

    def test_is_finished_when_its_own_claim_fills_the_host(self) -> None:
        requests = self.accept(3, flavor=SMALL.replace(vcpus=8))
        self.kill_after("place", requests)
        self.recovery.run(age=0)
        self.assert_whole([one.instance.uuid for one in requests])

    def test_the_request_goes_on_under_its_id(self) -> None:
        (request,) = self.accept()
        self.kill_after("place", [request])
        self.recovery.run(age=0)
        with self.cell.db.reader() as conn:
            action = actions.get(conn, request.instance.uuid, "req-1")
        self.assertEqual(("u", "p", 1), (action.user_id, action.project_id, len(action.events)))
        self.assertEqual(1, len(self.compute.told))

    def test_a_host_is_not_told_again_and_again(self) -> None:
        self.kill_after("settle", self.accept())
        for _ in range(3):
            self.recovery.run(age=0)
        self.assertEqual(1, len(self.compute.told))

    def test_a_user_who_deletes_after_the_kill_wins(self) -> None:
        for step in ("place", "write"):
            (request,) = self.accept()
            self.kill_after(step, [request])
            self.delete_request(request.instance.uuid)
            self.recovery.run(age=0)
            self.assertEqual(0, sum(self.hosts_used().values()))
            with self.cell.db.reader() as conn:
                self.assertEqual([], instances.find(conn, [request.instance.uuid]))
        self.assertEqual([], self.compute.told)

    def test_a_server_without_a_host_stays_in_cell0(self) -> None:
        for step in BUILD_STEPS:
            (request,) = self.accept(flavor=SMALL.replace(vcpus=9))
            self.kill_after(step, [request])
            self.add_host(f"big-{step}", vcpus=9)
            self.recovery.run(age=0)
            mapped, instance = self.where(request.instance.uuid)
            if step == "place":  # nothing was decided yet
                self.assertEqual(self.cell.uuid, mapped)
            else:
                self.assertEqual((CELL0_UUID, "error"), (mapped, instance.vm_state))
            for cell in self.cells.with_cell0():
                with cell.db.reader() as conn:
                    here = instances.find(conn, [request.instance.uuid])
                self.assertEqual(cell.uuid == mapped, bool(here))
            self.set_service(f"big-{step}", disabled=True)

    def test_two_recoveries_at_once(self) -> None:
        requests = [self.accept(2) for _ in range(6)]
        for number, one in enumerate(requests):
            self.kill_after(("place", "write", "settle")[number % 3], one)
        self.in_parallel(lambda _: self.recovery.run(age=0), 4)
        self.assert_whole([one.instance.uuid for request in requests for one in request])

    def test_a_failure_is_rolled_back_and_tried_again(self) -> None:
        class Failing(BuildTask):
            def settle(self) -> None:
                raise OSError("the database is away")

        requests = self.accept(2)
        self.assertRaises(OSError, Failing(self.env, self.ctxt, requests).execute)
        self.assertEqual(0, sum(self.hosts_used().values()))
        self.assertEqual([0, 0, 0], [len(host.instances) for host in self.env.view.hosts()])
        with self.cell.db.reader() as conn:
            self.assertEqual([], instances.placed(conn))
        self.recovery.run(age=0)
        self.assert_whole([one.instance.uuid for one in requests])

    def test_a_claim_on_a_host_that_is_gone_ends_in_error_in_time(self) -> None:
        (request,) = self.accept()
        self.kill_after("place", [request])
        self.conf.set_override("build_timeout", 1.0, "scheduler")
        old = request.replace(instance=request.instance.replace(created_at=now() - timedelta(seconds=5)))
        with self.api_db.writer() as conn:
            build_requests.replace(conn, old)
            mappings.update_cell(conn, self.cell.uuid, disabled=True)
        self.cells.refresh()
        self.recovery.run(age=0)
        mapped, instance = self.where(request.instance.uuid)
        self.assertEqual((CELL0_UUID, "error"), (mapped, instance.vm_state))
        self.recovery.run(age=0)
        self.assertEqual(0, sum(self.hosts_used().values()))


class Retry(SchedulerCase):
    def test_is_finished_after_a_kill_at_any_step(self) -> None:
        for number in range(3):
            self.add_host(f"h{number}")
        for step in RETRY_STEPS:
            (uuid,) = self.boot()
            told = self.compute.told[-1]
            task = DyingRetry(self.env, self.ctxt, uuid, told.spec).after(told.host, "no disk", told.alternates)
            task.dies_after = step
            self.assertRaises(Killed, task.execute)
            self.restart()
            self.recovery.run(age=0)
            self.assert_whole([uuid])
            moved = self.where(uuid)[1].host
            self.assertEqual(step == "find", moved == told.host)

    def test_the_claim_of_one_that_was_given_up_is_given_back(self) -> None:
        self.add_host("h1")
        (uuid,) = self.boot()
        told = self.compute.told[-1]
        with self.cell.db.writer() as conn:
            instances.update(conn, uuid, now(), vm_state="error", task_state=None, host=None)
        self.assertEqual(1, self.hosts_used()[told.host])
        self.recovery.run(age=0)
        self.assertEqual(0, self.hosts_used()[told.host])


class Leaks(SchedulerCase):
    def test_claims_of_nobody_are_given_back(self) -> None:
        self.add_host("h1")
        kept, deleted, deleting = self.boot(3)
        with self.api_db.writer() as conn:
            (provider,) = placement_db.providers(conn)
            claims.claim(conn, [Claim(self.uuid(), "p", provider.uuid, {"VCPU": 1})], now())
            mappings.queue_for_delete(conn, deleted)
            mappings.queue_for_delete(conn, deleting)
        with self.cell.db.writer() as conn:
            instances.destroy(conn, deleted, now())
        self.recovery.run(age=60)
        self.assertEqual(4, self.hosts_used()["h1"])
        self.recovery.run(age=0)
        with self.api_db.reader() as conn:
            self.assertEqual({kept, deleting}, set(placement_db.providers_of(conn, [kept, deleted, deleting])))
        self.assertEqual(2, self.hosts_used()["h1"])

    def test_old_decisions_are_dropped(self) -> None:
        with self.api_db.writer() as conn:
            for uuid, age in (("old", 8), ("new", 1)):
                build_requests.record(conn, [Decision(instance_uuid=uuid)], now() - timedelta(days=age))
        self.recovery.run(age=0)
        with self.api_db.reader() as conn:
            self.assertEqual([0, 1], [len(build_requests.decisions_of(conn, uuid)) for uuid in ("old", "new")])


class Resend(SchedulerCase):
    def test_a_host_that_handed_its_build_back_is_told_anew(self) -> None:
        self.add_host("h1")
        (uuid,) = self.boot()
        self.recovery.run(age=0)
        self.assertEqual(2, len(self.compute.told))
        with self.cell.db.writer() as conn:
            instances.update(conn, uuid, now(), task_state="spawning")
        self.recovery.run(age=0)
        self.assertEqual(2, len(self.compute.told))
        with self.cell.db.writer() as conn:
            instances.update(conn, uuid, now(), task_state="scheduling")
        self.recovery.run(age=0)
        self.recovery.run(age=0)
        self.assertEqual(3, len(self.compute.told))
