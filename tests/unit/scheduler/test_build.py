# SPDX-License-Identifier: Apache-2.0
"""From build request to host, or to cell0."""

from __future__ import annotations

from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances
from minicloud.objects import CELL0_UUID
from tests.unit.scheduler.base import SMALL, SchedulerCase

NO_HOST = "No valid host was found. There are not enough hosts available."


class OneBoot(SchedulerCase):
    def test_a_boot_gets_a_host(self) -> None:
        self.add_host("h1")
        self.add_host("h2", memory_mb=4096)
        (uuid,) = self.boot()
        mapped, instance = self.where(uuid)
        self.assertEqual(self.cell.uuid, mapped)
        self.assertEqual(("h1", "h1.node", "nova"), (instance.host, instance.node, instance.availability_zone))
        self.assertEqual(("building", "scheduling"), (instance.vm_state, instance.task_state))
        (told,) = self.compute.told
        self.assertEqual(
            ("h1", instance.uuid, ["h2"]), (told.host, told.instance.uuid, [a.host for a in told.alternates])
        )
        self.assertEqual(1, told.spec.attempts)
        self.assert_whole([uuid])
        with self.cell.db.reader() as conn:
            action = actions.get(conn, uuid, "req-1")
        self.assertEqual(
            [("scheduler_select_host", "Success", "scheduler-1")],
            [(event.event, event.result, event.host) for event in action.events],
        )
        self.assertIsNone(action.finish_time)
        with self.api_db.reader() as conn:
            (decision,) = build_requests.decisions_of(conn, uuid)
            taken = {row.resource_class: row.used for row in placement_db.allocations_of(conn, [uuid])}
        self.assertEqual(("h1.node", 2), (decision.chosen, decision.considered))
        self.assertEqual({"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}, taken)

    def test_no_host_ends_in_cell0_with_the_reasons(self) -> None:
        self.add_host("h1")
        self.add_host("h2")
        self.set_service("h2", disabled=True, disabled_reason="broken fan")
        (uuid,) = self.boot(flavor=SMALL.replace(memory_mb=10000))
        mapped, instance = self.where(uuid)
        self.assertEqual(CELL0_UUID, mapped)
        self.assertEqual(("error", None, None), (instance.vm_state, instance.task_state, instance.host))
        self.assertEqual((500, NO_HOST), (instance.fault.code, instance.fault.message))
        self.assertIn(
            "h1.node: capacity: MEMORY_MB: 10000 asked, more than the whole host has (8192)", instance.fault.details
        )
        self.assertIn("h2.node: ComputeFilter: the service is disabled: broken fan", instance.fault.details)
        with self.cells.cell0.db.reader() as conn:
            action = actions.get(conn, uuid, "req-1")
        self.assertEqual(("Error", "Error"), (action.message, action.events[0].result))
        self.assertIsNotNone(action.finish_time)
        with self.api_db.reader() as conn:
            self.assertEqual([], build_requests.find(conn))
            self.assertFalse(mappings.get(conn, uuid).queued_for_delete)
            (decision,) = build_requests.decisions_of(conn, uuid)
        self.assertEqual({"capacity", "ComputeFilter"}, {reason.step for reason in decision.reasons})
        self.assertEqual([], self.compute.told)

    def test_a_hundred_of_one_request_spread(self) -> None:
        for number in range(10):
            self.add_host(f"h{number}", vcpus=16, memory_mb=16384)
        uuids = self.boot(100)
        self.assertEqual({10}, set(self.hosts_used().values()))
        self.assertEqual(10, len(self.hosts_used()))
        self.assert_whole(uuids)

    def test_what_does_not_fit_of_a_request_goes_to_cell0(self) -> None:
        self.add_host("h1", vcpus=3)
        uuids = self.boot(5)
        faults = [self.where(uuid)[1].fault for uuid in uuids]
        self.assertEqual(3, faults.count(None))
        self.assertEqual({NO_HOST}, {fault.message for fault in faults if fault})

    def test_a_user_who_deletes_first_wins(self) -> None:
        self.add_host("h1")
        requests = self.accept(2)
        self.delete_request(requests[0].instance.uuid)
        self.manager.build_instances(self.ctxt, requests)
        self.assertEqual([requests[1].instance.uuid], [told.instance.uuid for told in self.compute.told])
        self.assertEqual(1, self.hosts_used()["h1"])
        self.assertEqual(1, len(self.host_state("h1").instances))
        with self.cell.db.reader() as conn:
            self.assertEqual([], instances.find(conn, [requests[0].instance.uuid]))

    def test_a_message_delivered_twice_builds_once(self) -> None:
        self.add_host("h1")
        requests = self.accept(2)
        self.manager.build_instances(self.ctxt, requests)
        self.manager.build_instances(self.ctxt, requests)
        self.assertEqual(2, len(self.compute.told))
        self.assert_whole([one.instance.uuid for one in requests])

    def test_a_disabled_host_gets_nothing_at_once(self) -> None:
        self.add_host("h1")
        self.boot()
        self.set_service("h1", disabled=True)
        (uuid,) = self.boot()
        self.assertEqual(NO_HOST, self.fault(uuid))
        self.set_service("h1", disabled=False)
        (uuid,) = self.boot()
        self.assertEqual("h1", self.where(uuid)[1].host)

    def test_a_released_server_makes_room(self) -> None:
        self.add_host("h1", vcpus=1)
        (first,) = self.boot()
        self.manager.release(self.ctxt, first)
        self.manager.release(self.ctxt, first)
        (second,) = self.boot()
        self.assertEqual("h1", self.where(second)[1].host)
        with self.api_db.reader() as conn:
            self.assertTrue(mappings.get(conn, first).queued_for_delete)
            self.assertIsNone(build_requests.spec(conn, first))
