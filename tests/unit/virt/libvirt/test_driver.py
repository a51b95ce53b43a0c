# SPDX-License-Identifier: Apache-2.0
"""The driver on libvirt's own test driver: what the contract does not ask of every driver."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, cast

import libvirt

from minicloud import exception
from minicloud.objects import Vif
from minicloud.states import Power
from minicloud.virt import loader
from minicloud.virt.driver import Cancelled, Order, SpawnOrder
from minicloud.virt.libvirt.host import events
from tests.fixtures import libvirt as fixtures

_ANOTHER_HOST = """\
<node>
  <memory>4194304</memory>
  <cpu><num>2</num><nodes>1</nodes><sockets>1</sockets><cores>2</cores><threads>1</threads></cpu>
</node>
"""


class LibvirtTest(fixtures.DriverFixture):
    uri = fixtures.TEST

    def setUp(self) -> None:
        super().setUp()
        events.ensure_loop()
        self.library = libvirt.open(self.uri)
        self.addCleanup(self.library.close)

    def instances(self) -> list[str]:
        folder = self.folder / "instances"
        return sorted(path.name for path in folder.iterdir())

    def order(self, **more: Any) -> SpawnOrder:
        return SpawnOrder(self.instance(**more), threading.Event(), image=self.image())


class TestOwnership(LibvirtTest):
    def test_domains_of_others_are_never_seen(self) -> None:
        strange = next(domain for domain in self.library.listAllDomains() if domain.name() == "test")
        self.assertNotIn(strange.UUIDString(), self.driver.guests())
        order = Order(self.instance().replace(uuid=strange.UUIDString()), threading.Event())
        self.assertRaises(exception.GuestNotFound, self.driver.power_off, order)
        self.driver.destroy(order)
        self.assertTrue(strange.isActive())

    def test_a_uuid_that_somebody_else_has_is_not_taken(self) -> None:
        strange = next(domain for domain in self.library.listAllDomains() if domain.name() == "test")
        order = SpawnOrder(self.instance().replace(uuid=strange.UUIDString()), threading.Event(), image=self.image())
        self.assertRaises(exception.BuildFailed, self.driver.spawn, order)
        self.assertTrue(strange.isActive())

    def test_guests_of_another_host_are_its_own(self) -> None:
        order = self.spawned()
        other = loader.load(self.conf, "another")
        other.init_host()
        self.addCleanup(other.cleanup_host)
        self.assertNotIn(order.instance.uuid, other.guests())
        other.destroy(order)
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))


class TestFailedBuilds(LibvirtTest):
    def test_what_no_host_can_do_is_not_tried_elsewhere(self) -> None:
        error = self.assertRaises(
            exception.BuildAborted, self.driver.spawn, self.order(properties={"hw_disk_bus": "punched-cards"})
        )
        self.assertIn("hw_disk_bus=punched-cards", str(error))
        self.assertEqual([], self.instances())

    def test_what_this_host_lacks_is(self) -> None:
        self.assertRaises(exception.BuildFailed, self.driver.spawn, self.order(specs={"hw:mem_page_size": "large"}))
        self.assertEqual([], self.instances())

    def test_what_libvirt_refuses_leaves_nothing(self) -> None:
        order = self.order()
        vif = Vif(port_id="p", network_id="n", network_name="n", mac_address="no address")
        broken = SpawnOrder(order.instance, order.cancelled, vifs=(vif,), image=order.image)
        self.assertRaises(exception.BuildFailed, self.driver.spawn, broken)
        self.assertEqual({}, dict(self.driver.guests()))
        self.assertEqual([], self.instances())

    def test_what_nobody_wants_leaves_nothing(self) -> None:
        order = self.order()
        order.cancelled.set()
        self.assertRaises(Cancelled, self.driver.spawn, order)
        self.assertEqual([], self.instances())

    def test_a_second_build_takes_the_place_of_the_first(self) -> None:
        order = self.spawned()
        self.driver.spawn(SpawnOrder(order.instance, order.cancelled, image=self.image()))
        self.assertEqual([order.instance.uuid], list(self.driver.guests()))


class TestMoves(LibvirtTest):
    """To a second host that shares the disks; its libvirt is another pretence."""

    def setUp(self) -> None:
        super().setUp()
        self.other = self.host_with(instances_path=str(self.folder / "instances"))

    def host_with(self, **options: Any) -> Any:
        path = self.folder / "node.xml"
        path.write_text(_ANOTHER_HOST)
        settings = self.configuration(connection_uri=f"test://{path}", **options)
        driver = loader.load(settings, "destination")
        driver.init_host()
        self.addCleanup(driver.cleanup_host)
        return driver

    def moved(self) -> Order:
        order = self.spawned()
        self.driver.migrate_out(order)
        self.other.finish_migration(SpawnOrder(order.instance, order.cancelled, purpose="resize"))
        self.assertEqual(Power.RUNNING, self.other.power_state(order.instance.uuid))
        return order

    def disk(self, order: Order) -> Path:
        return self.folder / "instances" / order.instance.uuid / "disk.qcow2"

    def test_confirmed(self) -> None:
        order = self.moved()
        self.driver.destroy(order)
        self.assertTrue(self.disk(order).exists())
        self.other.destroy(order)
        self.assertEqual([], self.instances())

    def test_turned_back(self) -> None:
        order = self.moved()
        self.other.destroy(order)
        self.assertTrue(self.disk(order).exists())
        self.driver.revert_migration(SpawnOrder(order.instance, order.cancelled, purpose="resize"))
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))

    def test_evacuated_with_its_disk(self) -> None:
        order = self.spawned()
        written = self.disk(order).stat().st_ino
        evacuated = SpawnOrder(order.instance, order.cancelled, image=self.image(), purpose="evacuate")
        self.other.spawn(evacuated)
        self.assertEqual(written, self.disk(order).stat().st_ino)
        self.driver.destroy(order)  # when the host is back
        self.assertTrue(self.disk(order).exists())
        self.other.destroy(order)

    def test_an_evacuation_that_fails_leaves_the_disk(self) -> None:
        order = self.spawned()
        bad = Vif(port_id="p", network_id="n", network_name="n", mac_address="no address")
        evacuated = SpawnOrder(order.instance, order.cancelled, vifs=(bad,), image=self.image(), purpose="evacuate")
        self.assertRaises(exception.BuildFailed, self.other.spawn, evacuated)
        self.assertTrue(self.disk(order).exists())
        self.driver.reboot(order, hard=True)
        self.driver.destroy(order)
        self.assertEqual([], self.instances())

    def test_a_host_without_the_disk_says_so(self) -> None:
        order = self.spawned()
        self.driver.migrate_out(order)
        far = self.host_with(instances_path=str(self.folder / "elsewhere"))
        self.assertFalse(self.other.lacks_disks(order))
        self.assertTrue(far.lacks_disks(order))
        error = self.assertRaises(
            exception.VirtError,
            far.finish_migration,
            SpawnOrder(order.instance, order.cancelled, purpose="resize"),
        )
        self.assertIn("elsewhere", str(error))

    def test_disks_that_cannot_be_fetched_leave_nothing_that_counts(self) -> None:
        order = self.spawned()
        self.driver.migrate_out(order)
        kept = cast(Any, self.driver).offer_disks(order)
        far = self.host_with(
            instances_path=str(self.folder / "elsewhere"), live_migration_uri="qemu+unix:///system?socket=/nowhere"
        )
        error = self.assertRaises(exception.VirtError, far.fetch_disks, order, kept, lambda: None)
        self.assertIn("/nowhere", str(error))
        self.assertTrue(far.lacks_disks(order))
        far.destroy(order)
        self.assertEqual([], list((self.folder / "elsewhere").iterdir()))
        self.assertTrue(self.disk(order).exists())


class TestRest(LibvirtTest):
    def test_a_listener_hears_of_guests_that_end_by_themselves(self) -> None:
        heard: list[str] = []
        self.driver.listen(heard.append)  # type: ignore[attr-defined]
        order = self.spawned()
        heard.clear()
        self.driver._connection.get().lookupByUUIDString(order.instance.uuid).destroy()  # type: ignore[attr-defined]
        for _ in range(50):
            if heard:
                break
            time.sleep(0.1)
        self.assertEqual({order.instance.uuid}, set(heard))

    def test_a_password_needs_an_agent(self) -> None:
        error = self.assertRaises(
            exception.NotSupported,
            self.driver.set_admin_password,  # type: ignore[attr-defined]
            self.spawned(),
            "secret",
        )
        self.assertIn("hw_qemu_guest_agent", str(error))

    def test_a_guest_that_is_off_has_no_screen(self) -> None:
        order = self.spawned()
        self.driver.power_off(order)
        for console in (self.driver.vnc_console, self.driver.serial_console):  # type: ignore[attr-defined]
            self.assertRaises(exception.ConsoleNotAvailable, console, order.instance)

    def test_diagnostics_of_one_that_is_off(self) -> None:
        order = self.spawned()
        self.driver.power_off(order)
        found = self.driver.diagnostics(order.instance)  # type: ignore[attr-defined]
        self.assertEqual(("shutdown", 64, 1), (found.state, found.memory_maximum, len(found.disks)))

    def test_a_snapshot_in_a_format_of_no_disk_is_refused_at_once(self) -> None:
        order = self.spawned(self.instance(properties={"disk_format": "iso"}))
        self.assertRaises(exception.NotSupported, self.driver.snapshot, order)  # type: ignore[attr-defined]

    def test_a_host_without_libvirt_does_not_start(self) -> None:
        settings = self.configuration(connection_uri="qemu+unix:///system?socket=/nowhere")
        driver = loader.load(settings, "h")
        self.assertRaises(exception.ConfigurationError, driver.init_host)
