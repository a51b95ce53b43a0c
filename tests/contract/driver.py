# SPDX-License-Identifier: Apache-2.0
"""What every driver promises; cases of roles that a driver does not have are skipped."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
import uuid

import testtools

from minicloud import exception
from minicloud.objects import ConsoleAddress, Flavor, Instance, Vif
from minicloud.states import Power
from minicloud.virt.driver import ComputeDriver, Order, SourceImage, SpawnOrder
from minicloud.virt.roles import (
    SupportsConsoleOutput,
    SupportsDiagnostics,
    SupportsInterfaces,
    SupportsPause,
    SupportsRescue,
    SupportsResize,
    SupportsSerialConsole,
    SupportsSnapshot,
    SupportsSuspend,
    SupportsVncConsole,
)
from minicloud.virt.survey import SupportsSurvey


class DriverContract(testtools.TestCase):
    """The cases; ``test_driver.py`` shows how a driver joins."""

    driver: ComputeDriver

    def make_driver(self) -> ComputeDriver:
        """A new driver object for the same host, as after a restart."""
        raise NotImplementedError

    def instance(self) -> Instance:
        """Something this driver can make a guest of."""
        flavor = Flavor(flavorid="1", name="m1.nano", vcpus=1, memory_mb=64, root_gb=1)
        name = f"contract-{uuid.uuid4().hex[:8]}"
        return Instance(
            uuid=str(uuid.uuid4()), project_id="p", user_id="u", display_name=name, vm_state="building", flavor=flavor
        )

    def image(self) -> SourceImage | None:
        """What guests of this driver are made from; None: nothing is read."""
        return None

    def spawn_order(self, instance: Instance, *, purpose: str = "build", vifs: tuple[Vif, ...] = ()) -> SpawnOrder:
        return SpawnOrder(instance, threading.Event(), vifs=vifs, image=self.image(), purpose=purpose)

    def spawned(self) -> Order:
        instance = self.instance()
        vif = Vif(port_id=str(uuid.uuid4()), network_id="n", network_name="net", mac_address="fa:16:3e:00:00:01")
        order = self.spawn_order(instance, vifs=(vif,))
        self.driver.spawn(order)
        self.addCleanup(self.driver.destroy, order)
        return Order(instance, order.cancelled)

    def power(self, order: Order) -> Power:
        return self.driver.power_state(order.instance.uuid)

    # --- the core --------------------------------------------------------------------------

    def test_a_node_has_something_to_offer(self) -> None:
        for node in self.driver.nodes():
            self.assertGreater(min(node.vcpus, node.memory_mb, node.local_gb), 0)
            self.assertTrue(node.hypervisor_hostname and node.hypervisor_type)
            self.assertTrue(node.supported_instances)

    def test_nodes_keep_their_ids(self) -> None:
        again = self.make_driver()
        self.assertEqual([n.uuid for n in self.driver.nodes()], [n.uuid for n in again.nodes()])

    def test_a_spawned_guest_runs_until_it_is_destroyed(self) -> None:
        order = self.spawned()
        self.assertEqual(Power.RUNNING, self.driver.guests()[order.instance.uuid])
        self.driver.destroy(order)
        self.driver.destroy(order)
        self.assertNotIn(order.instance.uuid, self.driver.guests())
        self.assertRaises(exception.GuestNotFound, self.power, order)

    def test_off_on_and_reboots(self) -> None:
        order = self.spawned()
        for act, expected in (
            (self.driver.power_off, Power.SHUTDOWN),
            (self.driver.power_off, Power.SHUTDOWN),
            (self.driver.power_on, Power.RUNNING),
            (self.driver.power_on, Power.RUNNING),
            (lambda order: self.driver.reboot(order, hard=False), Power.RUNNING),
            (self.driver.power_off, Power.SHUTDOWN),
            (lambda order: self.driver.reboot(order, hard=True), Power.RUNNING),
        ):
            act(order)
            self.assertEqual(expected, self.power(order))

    def test_verbs_need_a_guest(self) -> None:
        order = Order(self.instance(), threading.Event())
        for act in (self.driver.power_on, self.driver.power_off, lambda order: self.driver.reboot(order, hard=True)):
            self.assertRaises(exception.GuestNotFound, act, order)

    def test_a_guest_that_is_off_can_be_destroyed(self) -> None:
        order = self.spawned()
        self.driver.power_off(order)
        self.driver.destroy(order)
        self.assertNotIn(order.instance.uuid, self.driver.guests())

    def test_guests_are_found_again_after_a_restart(self) -> None:
        running, off = self.spawned(), self.spawned()
        self.driver.power_off(off)
        self.driver.cleanup_host()
        self.driver = self.make_driver()
        self.driver.init_host()
        guests = self.driver.guests()
        found = (guests[running.instance.uuid], guests[off.instance.uuid])
        self.assertEqual((Power.RUNNING, Power.SHUTDOWN), found)

    def test_guests_of_another_cloud_are_strangers(self) -> None:
        """Two clouds of one machine call their host alike."""
        order = self.spawned()
        folder = self.conf.state_dir
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        self.conf.set_override("state_dir", other.name)
        stranger = self.make_driver()
        self.conf.set_override("state_dir", folder)
        stranger.init_host()
        self.addCleanup(stranger.cleanup_host)
        self.assertEqual({}, dict(stranger.guests()))
        self.assertRaises(exception.GuestNotFound, stranger.power_state, order.instance.uuid)
        stranger.destroy(order)
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))

    def test_a_host_is_looked_at_and_cleared_from_outside(self) -> None:
        """By a program that is not the service, while the service runs."""
        order = self.spawned()
        outside = self.make_driver()
        self.addCleanup(outside.cleanup_host)
        if not isinstance(outside, SupportsSurvey):
            self.skipTest("this driver cannot be looked at from outside")
        uuid = order.instance.uuid
        found = outside.survey(time.time())
        self.assertEqual({uuid: Power.RUNNING}, dict(found.guests))
        self.assertEqual(set(), set(found.folders) - {uuid})
        self.assertEqual((), found.unfinished)
        self.assertEqual([], outside.clear())
        if outside.IS_SHARED:
            self.assertEqual({}, dict(self.driver.guests()))
            self.assertEqual({}, dict(outside.survey(time.time()).folders))

    def test_many_at_once(self) -> None:
        orders: list[Order] = []
        threads = [threading.Thread(target=lambda: orders.append(self.spawned())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual({order.instance.uuid for order in orders}, set(self.driver.guests()))
        self.assertEqual(8, len(orders))

    # --- roles -----------------------------------------------------------------------------

    def test_pause(self) -> None:
        if not isinstance(self.driver, SupportsPause):
            self.skipTest("the driver cannot pause")
        order = self.spawned()
        self.driver.pause(order)
        self.assertEqual(Power.PAUSED, self.power(order))
        self.driver.unpause(order)
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_suspend(self) -> None:
        if not isinstance(self.driver, SupportsSuspend):
            self.skipTest("the driver cannot suspend")
        order = self.spawned()
        self.driver.suspend(order)
        self.assertIn(self.power(order), (Power.SUSPENDED, Power.SHUTDOWN))
        self.driver.resume(order)
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_console(self) -> None:
        if not isinstance(self.driver, SupportsConsoleOutput):
            self.skipTest("the driver keeps no console output")
        order = self.spawned()
        self.assertIsInstance(self.driver.console_output(order.instance), str)
        self.driver.destroy(order)
        self.assertRaises(exception.GuestNotFound, self.driver.console_output, order.instance)

    def connected(self, address: ConsoleAddress) -> socket.socket:
        line = socket.create_connection((address.host, address.port), timeout=20)
        self.addCleanup(line.close)
        return line

    def assert_hung_up(self, line: socket.socket) -> None:
        """What was sent before is read; then nothing more comes, and not by waiting too long."""
        try:
            while line.recv(4096):
                pass
        except ConnectionError:
            pass

    def test_vnc_console(self) -> None:
        if not isinstance(self.driver, SupportsVncConsole):
            self.skipTest("guests have no screen")
        order = self.spawned()
        address = self.driver.vnc_console(order.instance)
        self.assertEqual(address, self.driver.vnc_console(order.instance))
        screen = self.connected(address)
        self.assertEqual(b"RFB 003.", screen.recv(12)[:8])
        self.driver.power_off(order)
        self.assert_hung_up(screen)
        self.assertRaises(exception.ConsoleNotAvailable, self.driver.vnc_console, order.instance)
        self.driver.destroy(order)
        self.assertRaises(exception.GuestNotFound, self.driver.vnc_console, order.instance)

    def test_serial_console(self) -> None:
        if not isinstance(self.driver, SupportsSerialConsole):
            self.skipTest("guests have no serial line")
        order = self.spawned()
        line = self.connected(self.driver.serial_console(order.instance))
        line.sendall(b"\r")
        self.driver.power_off(order)
        self.assert_hung_up(line)
        self.assertRaises(exception.ConsoleNotAvailable, self.driver.serial_console, order.instance)
        self.driver.destroy(order)
        self.assertRaises(exception.GuestNotFound, self.driver.serial_console, order.instance)

    def test_diagnostics(self) -> None:
        if not isinstance(self.driver, SupportsDiagnostics):
            self.skipTest("the driver has no diagnostics")
        order = self.spawned()
        self.assertEqual("running", self.driver.diagnostics(order.instance).state)
        self.driver.power_off(order)
        self.assertEqual("shutdown", self.driver.diagnostics(order.instance).state)
        self.driver.destroy(order)
        self.assertRaises(exception.GuestNotFound, self.driver.diagnostics, order.instance)

    def test_interfaces_come_and_go(self) -> None:
        if not isinstance(self.driver, SupportsInterfaces):
            self.skipTest("the driver cannot attach interfaces")
        order = self.spawned()
        vif = Vif(port_id=str(uuid.uuid4()), network_id="n", network_name="net", mac_address="fa:16:3e:00:00:02")
        for act in (self.driver.attach_interface, self.driver.detach_interface):
            for _ in range(2):
                act(order, vif)
        self.assertEqual(Power.RUNNING, self.power(order))
        self.driver.destroy(order)
        self.assertRaises(exception.GuestNotFound, self.driver.attach_interface, order, vif)

    def test_snapshots(self) -> None:
        if not isinstance(self.driver, SupportsSnapshot):
            self.skipTest("the driver makes no snapshots")
        order = self.spawned()
        self.assertTrue(b"".join(self.driver.snapshot(order)))
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_resize_on_one_host_and_back(self) -> None:
        if not isinstance(self.driver, SupportsResize):
            self.skipTest("the driver cannot resize")
        order = self.spawned()
        for _ in range(2):
            self.driver.migrate_out(order)
        self.assertEqual(Power.SHUTDOWN, self.power(order))
        flavor = Flavor(flavorid="2", name="m1.micro", vcpus=2, memory_mb=128, root_gb=1)
        new = SpawnOrder(order.instance.replace(flavor=flavor), order.cancelled, purpose="resize")
        self.driver.finish_migration(new)
        self.assertEqual(Power.RUNNING, self.power(order))
        self.driver.migrate_out(order)
        self.driver.revert_migration(SpawnOrder(order.instance, order.cancelled, purpose="resize"))
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_rescue_and_back(self) -> None:
        if not isinstance(self.driver, SupportsRescue):
            self.skipTest("the driver cannot rescue")
        order = self.spawned()
        self.driver.power_off(order)
        for _ in range(2):
            self.driver.rescue(self.spawn_order(order.instance, purpose="rescue"))
        self.assertEqual(Power.RUNNING, self.power(order))
        self.driver.unrescue(order)
        self.assertEqual(Power.RUNNING, self.power(order))
