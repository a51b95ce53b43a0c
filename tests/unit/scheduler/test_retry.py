# SPDX-License-Identifier: Apache-2.0
"""A host that could not build: the alternates, then the rest, then the end."""

from __future__ import annotations

import sqlalchemy as sa

from minicloud.db.api import build_requests
from minicloud.db.cell import actions, instances
from minicloud.scheduler.host_state import HostState
from minicloud.web.moments import now
from tests.unit.scheduler.base import SchedulerCase, Told


class Retry(SchedulerCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(4):
            self.add_host(f"h{number}", memory_mb=8192 - 1024 * number)

    def fail(self, told: Told, reason: str = "no disk") -> None:
        self.manager.retry_build(self.ctxt, told.instance, told.spec, told.alternates, told.host, reason)

    def test_the_first_alternate_is_taken(self) -> None:
        (uuid,) = self.boot()
        first = self.compute.told[-1]
        self.assertEqual(("h0", ["h1", "h2"]), (first.host, [one.host for one in first.alternates]))
        self.fail(first)
        second = self.compute.told[-1]
        self.assertEqual(
            ("h1", ["h2"], 2), (second.host, [one.host for one in second.alternates], second.spec.attempts)
        )
        self.assertEqual("scheduling", second.instance.task_state)
        self.assert_whole([uuid])
        self.assertEqual({"h1": 1}, dict(self.hosts_used()))
        with self.cell.db.reader() as conn:
            events = actions.get(conn, uuid, "req-1").events
        self.assertEqual([True, True], [event.finish_time is not None for event in events])
        self.assertEqual((1, {}, 0), (self.host_state("h0").failed_builds, *_taken(self.host_state("h0"))))
        self.boot()
        self.assertNotEqual("h0", self.compute.told[-1].host)

    def test_the_password_goes_from_host_to_host_and_into_no_database(self) -> None:
        requests = self.accept(1)
        self.manager.build_instances(self.ctxt, requests, "s3cret-1")
        first = self.compute.told[-1]
        self.manager.retry_build(self.ctxt, first.instance, first.spec, first.alternates, first.host, "x", "s3cret-1")
        self.assertEqual(
            [("h0", "s3cret-1"), ("h1", "s3cret-1")], [(one.host, one.admin_password) for one in self.compute.told]
        )
        for db in (self.api_db, self.cell.db):
            with db.reader() as conn:
                for table in sa.inspect(conn).get_table_names():
                    rows = conn.execute(sa.text(f"SELECT * FROM {table}")).all()
                    self.assertNotIn("s3cret-1", str(rows), table)

    def test_an_alternate_that_may_no_longer_is_skipped(self) -> None:
        self.boot()
        self.set_service("h1", disabled=True)
        self.fail(self.compute.told[-1])
        self.assertEqual("h2", self.compute.told[-1].host)

    def test_without_alternates_all_hosts_are_asked(self) -> None:
        self.boot()
        self.fail(self.compute.told[-1]._replace(alternates=[]))
        self.assertEqual(("h1", 2), (self.compute.told[-1].host, self.compute.told[-1].spec.attempts))

    def test_after_three_attempts_it_ends_in_error(self) -> None:
        (uuid,) = self.boot()
        for number in range(3):
            self.assertEqual(number + 1, len(self.compute.told))
            self.fail(self.compute.told[-1], f"reason {number}")
        self.assertEqual(["h0", "h1", "h2"], [told.host for told in self.compute.told])
        mapped, instance = self.where(uuid)
        self.assertEqual(self.cell.uuid, mapped)
        self.assertEqual(("error", None, None), (instance.vm_state, instance.task_state, instance.host))
        self.assertIn("Exceeded maximum number of retries.", instance.fault.message)
        self.assertIn("reason 2", instance.fault.details)
        self.assertEqual({}, dict(self.hosts_used()))
        with self.cell.db.reader() as conn:
            action = actions.get(conn, uuid, "req-1")
        self.assertEqual("Error", action.message)
        self.assertIsNotNone(action.finish_time)
        with self.api_db.reader() as conn:
            decisions = build_requests.decisions_of(conn, uuid)
        self.assertEqual([1, 2, 3, 4], [one.attempt for one in decisions])
        self.assertEqual(("h2", "build", "reason 2"), _reason(decisions[-1].reasons[0]))

    def test_with_no_other_host_the_reasons_are_told(self) -> None:
        for host in ("h1", "h2", "h3"):
            self.set_service(host, disabled=True)
        (uuid,) = self.boot()
        self.fail(self.compute.told[-1])
        _, instance = self.where(uuid)
        self.assertIn("h3.node: ComputeFilter: the service is disabled", instance.fault.details)

    def test_a_message_that_comes_twice_moves_once(self) -> None:
        (uuid,) = self.boot()
        first = self.compute.told[-1]
        self.in_parallel(lambda _: self.fail(first), 4)
        self.assertEqual(2, len(self.compute.told))
        self.assert_whole([uuid])

    def test_a_deleted_server_is_left_alone(self) -> None:
        (uuid,) = self.boot()
        with self.cell.db.writer() as conn:
            instances.update(conn, uuid, now(), task_state="deleting")
        self.fail(self.compute.told[-1])
        with self.cell.db.writer() as conn:
            instances.destroy(conn, uuid, now())
        self.fail(self.compute.told[-1])
        self.assertEqual(1, len(self.compute.told))
        self.manager.release(self.ctxt, uuid)
        self.assertEqual({}, dict(self.hosts_used()))

    def test_other_servers_keep_their_claims(self) -> None:
        uuids = self.boot(8)
        failed = self.compute.told[0]
        self.fail(failed)
        self.assert_whole(uuids)


def _taken(host: HostState) -> tuple[object, object]:
    return host.instances, host.used.get("VCPU", 0)


def _reason(value: object) -> tuple[object, object, object]:
    return value.host, value.step, value.reason  # type: ignore[attr-defined]
