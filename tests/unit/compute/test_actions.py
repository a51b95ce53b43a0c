# SPDX-License-Identifier: Apache-2.0
"""Power, pause, suspend, console and what neighbours report."""

from __future__ import annotations

import logging
import threading
from typing import Any

import fixtures

from minicloud import exception
from minicloud.compute.manager import sync
from minicloud.context import admin
from minicloud.db.cell import instances
from minicloud.objects import FixedIp, Instance, ResourceEvent
from minicloud.states import Power, Task
from minicloud.virt.driver import Order
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest

#: Method, what the API sets, what it becomes, power, event.
VERBS = (
    ("stop", Task.POWERING_OFF, "stopped", Power.SHUTDOWN),
    ("start", Task.POWERING_ON, "active", Power.RUNNING),
    ("pause", Task.PAUSING, "paused", Power.PAUSED),
    ("unpause", Task.UNPAUSING, "active", Power.RUNNING),
    ("suspend", Task.SUSPENDING, "suspended", Power.SUSPENDED),
    ("resume", Task.RESUMING, "active", Power.RUNNING),
)


class Verbs(CellTest):
    def do(self, one: Instance, verb: str, task: str, *more: str) -> None:
        ctxt = self.act(one, verb, task)
        getattr(self.compute, f"{verb}_instance")(ctxt, "h1", self.get(one), *more)

    def test_each_leads_to_its_state(self) -> None:
        host = self.start_host()
        one = self.built()
        for verb, task, state, power in VERBS:
            self.do(one, verb, task)
            after = self.until(one, vm_state=state, task_state=None)
            self.assertEqual((power, power), (after.power_state, host.host.driver.power_state(one.uuid)), verb)
            action = self.action(one, f"req-{verb}")
            events = [(event.event, event.result) for event in action.events]
            self.assertEqual([(f"compute_{verb}_instance", "Success")], events)
            self.assertIsNotNone(action.finish_time)

    def test_reboots_add_to_the_console(self) -> None:
        self.start_host()
        one = self.built()
        first = self.compute.get_console_output(self.ctxt, "h1", one, None)
        for text in (one.uuid, "web", "m1.nano", "=== boot 1 finished ==="):
            self.assertIn(text, first)
        self.do(one, "reboot", Task.REBOOTING, "SOFT")
        self.until(one, vm_state="active", task_state=None)
        second = self.compute.get_console_output(self.ctxt, "h1", one, None)
        self.assertTrue(second.startswith(first))
        self.assertIn("=== boot 2 finished ===", second)
        self.do(one, "reboot", Task.REBOOTING_HARD, "HARD")
        self.until(one, task_state=None)
        self.assertEqual(10, len(self.compute.get_console_output(self.ctxt, "h1", one, 10).split("\n")))
        self.assertEqual("", self.compute.get_console_output(self.ctxt, "h1", one, 0))

    def test_diagnostics_grow_while_a_guest_runs(self) -> None:
        self.start_host()
        one = self.built()
        counted = self.compute.get_diagnostics(self.ctxt, "h1", one)
        self.assertEqual(("running", 64, 1), (counted.state, counted.memory_maximum, len(counted.cpus)))
        self.assertEqual(["fa:16:3e:00:00:01"], [nic.mac_address for nic in counted.nics])
        self.wait_for(lambda: self.cpu_time(one) > (counted.cpus[0].time or 0))
        self.do(one, "stop", Task.POWERING_OFF)
        self.until(one, vm_state="stopped", task_state=None)
        counted = self.compute.get_diagnostics(self.ctxt, "h1", one)
        self.assertEqual(("shutdown", 0, 0), (counted.state, counted.uptime, counted.memory_used))
        nobody = self.new_instance()
        self.assertRaises(exception.GuestNotFound, self.compute.get_diagnostics, self.ctxt, "h1", nobody)

    def cpu_time(self, one: Instance) -> int:
        return self.compute.get_diagnostics(self.ctxt, "h1", one).cpus[0].time or 0

    def test_console_of_nobody(self) -> None:
        self.start_host()
        one = self.new_instance()
        self.assertRaises(exception.GuestNotFound, self.compute.get_console_output, self.ctxt, "h1", one, None)

    def test_every_verb_can_fail_by_metadata(self) -> None:
        self.start_host()
        for verb, task, _state, _power in VERBS:
            one = self.built(metadata={"fake:fail_action": verb})
            self.do(one, verb, task)
            after = self.until(one, vm_state="error", task_state=None)
            self.assertIn("fake:fail_action", after.fault.message if after.fault else "")
            action = self.action(one, f"req-{verb}")
            self.assertEqual(("Error", "Error"), (action.message, action.events[0].result))
            self.assertIn("VirtError", action.events[0].traceback or "")

    def test_the_same_message_twice_has_one_effect(self) -> None:
        self.start_host()
        one = self.built(metadata={"fake:delay:stop": "0.1"})
        ctxt = self.act(one, "stop", Task.POWERING_OFF)
        for _ in range(3):
            self.compute.stop_instance(ctxt, "h1", one)
        self.until(one, vm_state="stopped", task_state=None)
        self.do(one, "start", Task.POWERING_ON)
        self.until(one, vm_state="active", task_state=None)
        self.assertEqual(1, len(self.action(one, "req-stop").events))
        self.assertEqual(1, self.compute.get_console_output(self.ctxt, "h1", one, None).count("Power down"))

    def test_a_stop_ends_while_a_host_stops(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:hang": "stop"})
        self.do(one, "stop", Task.POWERING_OFF)
        self.wait_for(lambda: self.action(one, "req-stop").events)
        host.stop()
        self.assertEqual(Task.POWERING_OFF, self.get(one).task_state)
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), metadata={})
        self.start_host()
        self.until(one, vm_state="stopped", task_state=None)
        self.assertIsNotNone(self.action(one, "req-stop").finish_time)


class Rebuild(CellTest):
    def rebuild(self, one: Instance, **changes: Any) -> None:
        ctxt = self.act(one, "rebuild", Task.REBUILDING)
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), image_id="new-image", **changes)
        self.compute.rebuild_instance(ctxt, "h1", self.get(one))

    def test_a_new_guest_with_the_same_ports(self) -> None:
        host = self.start_host()
        one = self.built()
        self.rebuild(one)
        after = self.until(one, vm_state="active", task_state=None)
        self.assertEqual(one.network_info, after.network_info)
        self.assertIn("new-image", self.compute.get_console_output(self.ctxt, "h1", one, None))
        self.assertEqual("compute_rebuild_instance", self.action(one, "req-rebuild").events[0].event)
        assert after.launched_at is not None and one.launched_at is not None
        self.assertGreater(after.launched_at, one.launched_at)
        self.assertEqual({one.uuid}, set(host.host.driver.guests()))

    def test_who_was_off_is_off_again(self) -> None:
        host = self.start_host()
        one = self.built()
        self.rebuild(one, vm_state="stopped")
        self.until(one, vm_state="stopped", task_state=None)
        self.assertEqual(Power.SHUTDOWN, host.host.driver.power_state(one.uuid))
        again = self.built()
        self.rebuild(again, vm_state="error")
        self.until(again, vm_state="active", task_state=None)

    def test_a_failure_is_told(self) -> None:
        self.start_host()
        one = self.built(metadata={"fake:fail_action": "rebuild"})
        self.rebuild(one)
        after = self.until(one, vm_state="error", task_state=None)
        self.assertIn("fake:fail_action", after.fault.message if after.fault else "")
        self.assertEqual("Error", self.action(one, "req-rebuild").message)

    def test_a_restart_ends_it(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:hang": "rebuild"})
        self.rebuild(one)
        self.wait_for(lambda: one.uuid not in host.host.driver.guests())
        host.stop()
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), metadata={})
        self.start_host()
        self.until(one, vm_state="active", task_state=None)
        self.assertIsNotNone(self.action(one, "req-rebuild").finish_time)


class Guests(CellTest):
    def rescue(self, one: Instance) -> None:
        ctxt = self.act(one, "rescue", Task.RESCUING)
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), system_metadata={"rescue_image": "repair-shop"})
        self.compute.rescue_instance(ctxt, "h1", self.get(one))

    def test_rescued_and_back(self) -> None:
        self.start_host()
        one = self.built()
        self.rescue(one)
        self.until(one, vm_state="rescued", task_state=None, power_state=Power.RUNNING)
        console = self.compute.get_console_output(self.ctxt, "h1", one, None)
        self.assertIn("repair-shop", console)
        self.compute.unrescue_instance(self.act(one, "unrescue", Task.UNRESCUING), "h1", one)
        self.until(one, vm_state="active", task_state=None)
        console = self.compute.get_console_output(self.ctxt, "h1", one, None)
        self.assertEqual(1, console.count("repair-shop"))
        self.assertIn("boot 3 finished", console)

    def test_a_restart_ends_a_rescue(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:hang": "rescue"})
        self.rescue(one)
        self.wait_for(lambda: self.action(one, "req-rescue").events)
        host.stop()
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), metadata={})
        self.start_host()
        self.until(one, vm_state="rescued", task_state=None)
        self.assertIn("repair-shop", self.compute.get_console_output(self.ctxt, "h1", one, None))

    def test_a_password_that_cannot_be_set_does_no_harm(self) -> None:
        host = self.start_host()
        for metadata, message in (({}, None), ({"fake:fail_action": "set_admin_password"}, "Error")):
            one = self.built(metadata=metadata)
            self.compute.set_admin_password(self.act(one, "pw", Task.UPDATING_PASSWORD), "h1", one, "secret")
            self.until(one, vm_state="active", task_state=None)
            self.assertEqual(message, self.action(one, "req-pw").message)
        one = self.built(metadata={"fake:hang": "set_admin_password"})
        self.compute.set_admin_password(self.act(one, "pw", Task.UPDATING_PASSWORD), "h1", one, "secret")
        self.wait_for(lambda: self.action(one, "req-pw").events)
        host.stop()
        self.start_host()
        self.until(one, vm_state="active", task_state=None)
        self.assertEqual("Error", self.action(one, "req-pw").message)


class Events(CellTest):
    def test_a_changed_network_is_looked_up(self) -> None:
        self.start_host()
        one = self.built()
        (vif,) = self.network.ports[one.uuid]
        changed = vif.replace(fixed_ips=(FixedIp(address="10.0.0.9", subnet_id="sub", floating=("172.24.4.3",)),))
        self.network.ports[one.uuid] = [changed]
        self.compute.external_events(self.ctxt, "h1", [ResourceEvent(name="network-changed", server_uuid=one.uuid)])
        self.until(one, network_info=(changed,))

    def test_events_of_nobody_do_no_harm(self) -> None:
        self.start_host()
        self.compute.external_events(self.ctxt, "h1", [ResourceEvent(name="network-changed", server_uuid="nobody")])
        self.until(self.built(), vm_state="active")


class Sync(CellTest):
    def test_what_happened_behind_our_back_is_recorded(self) -> None:
        host = self.start_host()
        one, two = self.built(), self.built()
        host.host.driver.power_off(self.order(one))
        host.host.driver.destroy(self.order(two))
        host.sync()
        self.assertEqual(("stopped", Power.SHUTDOWN), (self.get(one).vm_state, self.get(one).power_state))
        self.assertEqual(("error", Power.NOSTATE), (self.get(two).vm_state, self.get(two).power_state))
        self.assertIn("does not exist on this host", str(self.get(two).fault))

    def test_nobody_at_work_is_disturbed(self) -> None:
        host = self.start_host()
        one = self.built()
        host.host.driver.power_off(self.order(one))
        self.act(one, "reboot", Task.REBOOTING_HARD)
        host.sync()
        self.assertEqual(("active", Task.REBOOTING_HARD), (self.get(one).vm_state, self.get(one).task_state))

    def test_guests_without_a_server_go_at_the_start(self) -> None:
        host = self.start_host()
        one, two = self.built(), self.built()
        with self.db.writer() as conn:
            instances.destroy(conn, one.uuid, now())
            instances.update(conn, two.uuid, now(), host="h2")
        sync.check_orphans(host.host, admin(), destroy=False)
        self.assertEqual({one.uuid, two.uuid}, set(host.host.driver.guests()))
        host.stop()
        again = self.start_host()
        self.wait_for(lambda: not again.host.driver.guests())

    def test_a_guest_that_nobody_knows_is_reported_and_stays(self) -> None:
        """Its records may be lost, and then it is all there is."""
        host = self.start_host()
        lost, kept = self.built(), self.built()
        with self.db.writer() as conn:
            instances.purge(conn, [lost.uuid])
        host.stop()
        log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        again = self.start_host()
        self.wait_for(lambda: "whose server nobody knows" in log.output)
        again.sync()
        self.assertEqual({lost.uuid, kept.uuid}, set(again.host.driver.guests()))
        self.assertEqual("active", self.get(kept).vm_state)
        again.host.conf.set_override("destroy_orphans", True, group="compute")
        again.sync()
        self.assertEqual({kept.uuid}, set(again.host.driver.guests()))

    def test_a_server_whose_guest_is_gone_says_so_after_the_start(self) -> None:
        host = self.start_host()
        one = self.built()
        host.host.driver.destroy(self.order(one))
        host.stop()
        self.start_host()
        after = self.until(one, vm_state="error", power_state=int(Power.NOSTATE))
        self.assertIn("does not exist on this host", str(after.fault))

    def test_idle_servers_survive_a_restart(self) -> None:
        host = self.start_host()
        one = self.built()
        before = self.get(one)
        host.stop()
        again = self.start_host()
        again.sync()
        self.assertEqual(before, self.get(one))
        self.assertEqual({one.uuid: Power.RUNNING}, dict(again.host.driver.guests()))

    @staticmethod
    def order(one: Instance) -> Order:
        return Order(one, threading.Event())
