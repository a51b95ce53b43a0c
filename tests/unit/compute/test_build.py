# SPDX-License-Identifier: Apache-2.0
"""Builds and deletes, through a conductor, on a fake hypervisor."""

from __future__ import annotations

import re

import fixtures

from minicloud import exception
from minicloud.objects import NetworkRequest
from minicloud.states import Power
from tests.unit.compute.suite import CellTest, spec


class Builds(CellTest):
    def test_a_server_is_made_and_deleted(self) -> None:
        host = self.start_host()
        one = self.built()
        self.assertEqual({one.uuid: Power.RUNNING}, dict(host.host.driver.guests()))
        self.assertEqual(("10.0.0.5", True), (one.network_info[0].fixed_ips[0].address, one.network_info[0].active))
        self.assertEqual(1, one.power_state)
        self.assertIsNotNone(one.launched_at)
        action = self.action(one)
        self.assertEqual(
            [("compute__do_build_and_run_instance", "Success", "h1")],
            [(event.event, event.result, event.host) for event in action.events],
        )
        self.assertIsNone(action.message)
        self.assertIsNotNone(action.finish_time)
        self.delete(one)
        gone = self.until(one, deleted=True)
        self.assertEqual("deleted", gone.vm_state)
        self.assert_nothing_left(one, [host])
        action = self.action(one, "req-delete")
        self.assertEqual([("compute_terminate_instance", "Success")], [(e.event, e.result) for e in action.events])
        self.assertIsNotNone(action.finish_time)

    def test_the_log_tells_where_the_time_went(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.start_host()
        one = self.built(metadata={"fake:build_seconds": "0.2"})
        said = r"Built in 0\.[2-9]\d\d s: waiting 0\.\d{3} s, network 0\.\d{3} s, ports up 0\.\d{3} s"
        self.wait_for(lambda: re.search(said + rf" \[instance: {one.uuid}\]", log.output))

    def test_a_message_delivered_twice_builds_once(self) -> None:
        host = self.start_host()
        one = self.build(metadata={"fake:build_seconds": "0.2"})
        self.compute.build_instance(self.ctxt, "h1", one, spec(), [])
        self.until(one, vm_state="active", task_state=None)
        self.compute.build_instance(self.ctxt, "h1", one, spec(), [])
        self.delete(one)
        self.until(one, deleted=True)
        self.assertEqual(1, len(self.action(one).events))
        self.assert_nothing_left(one, [host])

    def test_a_failed_build_is_undone_and_handed_back(self) -> None:
        host = self.start_host()
        one = self.build(metadata={"fake:fail_builds": "1"})
        self.wait_for(lambda: self.scheduler.retries)
        retry = self.scheduler.retries[0]
        self.assertEqual(("h1", "scheduling"), (retry["host"], retry["instance"].task_state))
        self.assertIn("fake:fail_builds", retry["reason"])
        self.assertEqual({}, dict(host.host.driver.guests()))
        self.assertEqual({}, self.network.ports)
        action = self.action(one)
        self.assertIsNone(action.finish_time)
        self.assertEqual("Error", action.events[0].result)
        self.wait_for(lambda: self.node("h1").failed_builds == 1)
        # The scheduler would tell another host, and not this one before its first build has wholly ended.
        self.wait_for(lambda: one.uuid not in host.host.building)
        self.compute.build_instance(self.ctxt, "h1", one, spec(attempts=2), [])
        self.until(one, vm_state="active", task_state=None)
        self.assertEqual(["Error", "Success"], [event.result for event in self.action(one).events])
        self.wait_for(lambda: self.node("h1").failed_builds == 0)

    def test_what_no_host_can_build_ends_in_error(self) -> None:
        self.start_host()
        one = self.until(self.build(metadata={"fake:abort_build": "yes"}), vm_state="error", task_state=None)
        self.assertIn("fake:abort_build", one.fault.message if one.fault else "")
        self.network.error = exception.PortInUse(port_id="7")
        two = self.until(self.build(), vm_state="error", task_state=None)
        self.assertEqual((409, "Port 7 is still in use."), (two.fault.code, two.fault.message) if two.fault else None)
        self.assertEqual((None, None), (two.host, two.node))
        self.assertEqual(("Error", True), (self.action(two).message, self.action(two).finish_time is not None))
        self.assertEqual([], self.scheduler.retries)
        self.assertEqual({}, self.network.ports)

    def test_a_given_port_outlives_the_server(self) -> None:
        self.start_host()
        request = spec(requested_networks=(NetworkRequest(port_id="mine"), NetworkRequest(network_id="net")))
        one = self.until(self.build(request=request), vm_state="active", task_state=None)
        self.delete(one)
        self.until(one, deleted=True)
        self.assertEqual({"mine"}, self.network.kept)

    def test_no_network_when_none_is_wanted(self) -> None:
        self.start_host()
        one = self.until(self.build(request=spec(network_mode="none")), vm_state="active", task_state=None)
        self.assertEqual(((), {}), (one.network_info, self.network.ports))

    def node(self, host: str):  # type: ignore[no-untyped-def]
        from minicloud.db.cell import compute_nodes

        with self.db.reader() as conn:
            return compute_nodes.find(conn, host=host)[0]


class DeletesWin(CellTest):
    def test_over_a_build_that_hangs(self) -> None:
        host = self.start_host()
        one = self.build(metadata={"fake:hang": "build"})
        self.until(one, task_state="spawning")
        self.delete(one)
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])
        self.assertEqual([], self.scheduler.retries)
        self.assertEqual("Error", self.action(one).message)

    def test_over_a_stop_that_hangs(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:hang": "stop"})
        self.compute.stop_instance(self.act(one, "stop", "powering-off"), "h1", one)
        self.wait_for(lambda: self.action(one, "req-stop").events)
        self.delete(one)
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])

    def test_over_more_hanging_builds_than_workers(self) -> None:
        self.conf.set_override("max_concurrent_work", 2, group="compute")
        host = self.start_host()
        many = [self.build(metadata={"fake:hang": "build"}) for _ in range(6)]
        for one in many:
            self.until(one, host="h1")
        self.wait_for(lambda: all(self.get(one).task_state != "scheduling" for one in many))
        for one in many:
            self.delete(one)
        for one in many:
            self.until(one, deleted=True)
        self.wait_for(lambda: not host.host.building)
        for one in many:
            self.assert_nothing_left(one, [host])

    def test_twice_and_before_the_build(self) -> None:
        host = self.start_host()
        one = self.new_instance()
        self.delete(one)
        self.until(one, deleted=True)
        self.compute.delete_instance(self.ctxt, "h1", one)
        self.compute.build_instance(self.ctxt, "h1", one, spec(), [])
        two = self.built()
        self.delete(two)
        self.until(two, deleted=True)
        self.wait_for(lambda: self.scheduler.released.count(one.uuid) == 2)
        self.assert_nothing_left(one, [host])

    def test_a_delete_that_fails_can_be_repeated(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:fail_action": "delete"})
        self.delete(one)
        failed = self.until(one, vm_state="error", task_state=None)
        self.assertIn("fake:fail_action", failed.fault.message if failed.fault else "")
        self.assertEqual("Error", self.action(one, "req-delete").message)
        with self.db.writer() as conn:
            from minicloud.db.cell import instances
            from minicloud.web.moments import now

            instances.update(conn, one.uuid, now(), metadata={})
        self.delete(one)
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])
