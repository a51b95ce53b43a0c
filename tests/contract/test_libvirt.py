# SPDX-License-Identifier: Apache-2.0
"""What the libvirt driver does with real guests of QEMU, beyond what is asked of every driver."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from minicloud.objects import Vif
from minicloud.states import Power
from minicloud.virt.driver import Cancelled, Order, SpawnOrder
from tests.fixtures import libvirt as fixtures

fixtures.need_library()

import libvirt  # noqa: E402  # what follows needs it

from minicloud.virt.libvirt import LibvirtDriver, domain, plugging  # noqa: E402
from minicloud.virt.libvirt import vif as bridges  # noqa: E402
from minicloud.virt.libvirt.host import facts  # noqa: E402
from tests.unit.virt.libvirt import plans, test_domain  # noqa: E402

#: A boot sector that writes "minicloud guest" to the serial line and waits for ever.
_HELLO = bytes.fromhex("fa31c08ed88ed0bc007cbaf803be1c7cac84c07403eeebf8fbf4ebfd6d696e69636c6f75642067756573740d0a00")


class GuestTest(fixtures.DriverFixture):
    driver: LibvirtDriver

    def setUp(self) -> None:
        super().setUp()
        raw = self.folder / "hello.raw"
        raw.write_bytes((_HELLO.ljust(510, b"\0") + b"\x55\xaa").ljust(4 << 20, b"\0"))
        disk = self.folder / "hello.qcow2"
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(disk)], check=True)
        self._image = fixtures.DiskImage(disk, "qcow2")

    def wait(self, seen: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not seen():
            self.assertLess(time.monotonic(), end, "it did not happen in time")
            time.sleep(0.1)

    def spoken(self, order: Order) -> None:
        self.wait(lambda: "minicloud guest" in self.driver.console_output(order.instance))

    def path(self, order: Order) -> Path:
        return self.folder / "instances" / order.instance.uuid


class TestGuest(GuestTest):
    def test_it_boots_from_its_disk_and_again(self) -> None:
        order = self.spawned()
        self.spoken(order)
        self.driver.reboot(order, hard=True)
        self.wait(lambda: self.driver.console_output(order.instance).count("minicloud guest") == 2)

    def test_uefi_starts(self) -> None:
        """It finds nothing on this disk that it could start, and says so."""
        if not list(Path("/usr/share/OVMF").glob("OVMF_CODE*.fd")):
            fixtures.absent(self, "needs UEFI firmware (package ovmf)")
        for secure in ("disabled", "required"):
            wishes = {"hw_firmware_type": "uefi", "hw_machine_type": "q35", "os_secure_boot": secure}
            order = self.spawned(self.instance(properties=wishes))
            self.wait(lambda order=order: "BdsDxe" in self.driver.console_output(order.instance), 60)
            loader = self.driver._guests.find(order.instance.uuid).definition(live=True).find("os/loader")
            assert loader is not None
            self.assertEqual({"disabled": "no", "required": "yes"}[secure], loader.get("secure", "no"))

    def test_the_screen_speaks_vnc(self) -> None:
        address = self.driver.vnc_console(self.spawned().instance)
        with socket.create_connection((address.host, address.port), timeout=10) as screen:
            self.assertEqual(b"RFB 003.008\n", screen.recv(12))

    def test_a_serial_line_can_be_listened_to(self) -> None:
        order = self.spawned()
        # A machine that is reset in the middle of its firmware's start may stay there.
        self.spoken(order)
        address = self.driver.serial_console(order.instance)
        with socket.create_connection((address.host, address.port), timeout=30) as line:
            self.driver._guests.find(order.instance.uuid).domain.reset()
            heard = b""
            while b"minicloud guest" not in heard:
                heard += line.recv(1000)

    def test_a_port_that_was_taken_meanwhile_is_changed(self) -> None:
        order = self.spawned()
        address = self.driver.serial_console(order.instance)
        self.driver.power_off(order)
        with socket.create_server((address.host, address.port)):
            self.driver.power_on(order)
            self.assertNotEqual(address.port, self.driver.serial_console(order.instance).port)

    def test_a_port_that_is_taken_at_the_last_moment_is_changed(self) -> None:
        order = self.spawned()
        address = self.driver.serial_console(order.instance)
        self.driver.power_off(order)
        ports = self.driver._ports
        looks, look = [True], ports.is_free
        self.patch(ports, "is_free", lambda port: looks.pop() if looks else look(port))
        with socket.create_server((address.host, address.port)):
            self.driver.power_on(order)
            self.assertNotEqual(address.port, self.driver.serial_console(order.instance).port)

    def test_a_snapshot_of_a_running_guest_is_its_disk(self) -> None:
        order = self.spawned()
        for disk_format in ("qcow2", "raw", "vmdk"):
            asked = Order(order.instance.replace(image_properties={"disk_format": disk_format}), order.cancelled)
            copy = self.folder / "copy"
            with copy.open("wb") as file:
                file.writelines(self.driver.snapshot(asked))
            disk = str(self.path(order) / "disk.qcow2")
            command = ["qemu-img", "compare", "-U", "-f", "qcow2", "-F", disk_format, disk, str(copy)]
            self.assertEqual(0, subprocess.run(command, check=False, capture_output=True).returncode)
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))
        self.assertEqual([], list(self.path(order).glob("snapshot*")))

    def test_a_snapshot_that_nobody_reads_to_its_end_leaves_nothing(self) -> None:
        order = self.spawned()
        pieces = iter(self.driver.snapshot(order))
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        self.assertEqual([], list(self.path(order).glob("snapshot*")))

    def test_diagnostics_count(self) -> None:
        order = self.spawned()
        self.spoken(order)
        found = self.driver.diagnostics(order.instance)
        self.assertEqual(("running", "qemu", 64), (found.state, found.hypervisor, found.memory_maximum))
        self.assertGreater(found.cpus[0].time or 0, 0)
        self.assertGreaterEqual(found.disks[0].read_bytes or 0, 512)

    def test_a_config_drive_is_seen(self) -> None:
        instance = self.instance()
        files = {"openstack/latest/meta_data.json": b"{}"}
        order = SpawnOrder(instance, threading.Event(), image=self.image(), files=files)
        self.driver.spawn(order)
        self.addCleanup(self.driver.destroy, order)
        self.assertIn("config.iso", self.driver._guests.find(instance.uuid).xml(live=True))

    def test_a_stable_rescue_keeps_the_disks_where_they_are(self) -> None:
        order = self.spawned()
        image = fixtures.DiskImage(self.folder / "hello.qcow2", "qcow2", hw_rescue_device="disk", hw_rescue_bus="scsi")
        self.driver.rescue(SpawnOrder(order.instance, order.cancelled, image=image, purpose="rescue"))
        xml = self.driver._guests.find(order.instance.uuid).xml()
        found = re.findall(r"/(\w+\.qcow2)'.*?<target dev='(\w+)'.*?<boot order='(\d)'", xml, re.DOTALL)
        self.assertEqual([("disk.qcow2", "vda", "2"), ("rescue.qcow2", "sda", "1")], found)
        self.driver.unrescue(order)
        self.assertEqual(["disk.qcow2"], [path.name for path in self.path(order).glob("*.qcow2")])


class TestDisksOfAnotherHost(GuestTest):
    """Fetched through the one libvirt that there is here."""

    options = {"live_migration_uri": "qemu:///system"}  # as in the fixture

    def far(self) -> LibvirtDriver:
        settings = self.configuration(instances_path=str(self.folder / "elsewhere"))
        driver = LibvirtDriver(settings, "far")
        driver.init_host()
        self.addCleanup(driver.cleanup_host)
        return driver

    def test_they_arrive_whole_and_over_their_own_image(self) -> None:
        order = self.spawned()
        self.spoken(order)
        self.driver.migrate_out(order)
        far = self.far()
        far.fetch_disks(order, self.driver.offer_disks(order), lambda: None)
        self.assertFalse(far.lacks_disks(order))
        here, there = self.path(order), self.folder / "elsewhere" / order.instance.uuid
        names = {path.name for path in there.iterdir()}
        self.assertEqual({"disk.base", "disk.qcow2", "owner"}, names)
        command = [
            "qemu-img",
            "compare",
            "-f",
            "qcow2",
            "-F",
            "qcow2",
            *(str(at / "disk.qcow2") for at in (here, there)),
        ]
        self.assertEqual(0, subprocess.run(command, check=False, capture_output=True).returncode)
        shutil.move(here / "disk.base", here / "hidden")
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", str(there / "disk.qcow2")], check=True)
        self.assertEqual([], [pool.name() for pool in libvirt.open(fixtures.QEMU).listAllStoragePools()])

    def test_nobody_wants_them_any_more(self) -> None:
        order = self.spawned()
        self.driver.migrate_out(order)
        far, kept = self.far(), self.driver.offer_disks(order)
        order.cancelled.set()
        self.assertRaises(Cancelled, far.fetch_disks, order, kept, lambda: None)
        self.assertTrue(far.lacks_disks(order))


class TestNetwork(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("ip") or os.geteuid() != 0:
            self.skipTest("making bridges needs ip(8) and root")
        self.bridge = f"mclv{uuid.uuid4().hex[:8]}"
        self.addCleanup(subprocess.run, ["ip", "link", "del", self.bridge], check=False, capture_output=True)

    def vif(self, number: int) -> Vif:
        return Vif(
            port_id=str(uuid.uuid4()),
            network_id="n",
            network_name="n",
            mac_address=f"fa:16:3e:00:01:{number:02x}",
            mtu=1400,
            vif_type="bridge",
            bridge=self.bridge,
        )

    def test_a_device_of_the_right_name_in_the_right_bridge(self) -> None:
        first, second = self.vif(1), self.vif(2)
        order = self.spawned(vifs=(first,))
        self.driver.attach_interface(order, second)
        for vif in (first, second):
            device = Path("/sys/class/net") / vif.devname
            self.assertEqual(self.bridge, (device / "master").resolve().name)
            self.assertEqual("1400", (device / "mtu").read_text().strip())
        # Nobody in this guest lets go of a device, so that it is cut off; and is gone after the next stop.
        self.driver.detach_interface(order, second)
        self.assertFalse((Path("/sys/class/net") / second.devname / "master").exists())
        self.driver.reboot(order, hard=True)
        self.assertFalse((Path("/sys/class/net") / second.devname).exists())
        self.assertTrue((Path("/sys/class/net") / first.devname).exists())

    def test_a_bridge_that_goes_at_the_last_moment_is_made_again(self) -> None:
        """As an agent removes it that has not heard of the guest yet."""
        ensure, ensure_all, removed = bridges.ensure_bridge, bridges.ensure_bridges, []

        def snatch() -> None:
            if len(removed) % 3 < 2:
                subprocess.run(["ip", "link", "delete", self.bridge], check=True)
            removed.append(self.bridge)

        self.patch(bridges, "ensure_bridges", lambda definition: (ensure_all(definition), snatch()))
        order = self.spawned(vifs=(self.vif(1),))
        self.assertEqual(3, len(removed))
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))

        self.driver.detach_interface(order, self.vif(1))
        self.patch(plugging, "ensure_bridge", lambda one: (ensure(one), snatch()))
        self.driver.attach_interface(order, self.vif(2))
        self.assertEqual(6, len(removed))


class TestDefinitions(fixtures.DriverFixture):
    def test_libvirt_finds_every_golden_domain_well_formed(self) -> None:
        connection = libvirt.open(fixtures.QEMU)
        self.addCleanup(connection.close)
        for name in ("plain", "rescue", "stable_rescue"):
            with self.subTest(name):
                case = test_domain.CASES[name]
                instance = case.instance.replace(uuid=str(uuid.uuid4()))
                plan = plans.plan(
                    facts.of(connection, "qemu"),
                    disks=case.disks,
                    vifs=case.vifs,
                    serial_ports=case.serial_ports,
                )
                xml = str(domain.build(plan)).replace(plans.UUID, instance.uuid).replace("6f8a4c7e", instance.uuid[:8])
                defined = connection.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
                defined.undefine()


class TestConnection(fixtures.DriverFixture):
    driver: LibvirtDriver

    def test_a_lost_connection_is_made_anew_and_events_go_on(self) -> None:
        if not shutil.which("virt-admin"):
            self.skipTest("virt-admin is not installed")
        heard: list[str] = []
        self.driver.listen(heard.append)
        order = self.spawned()
        self._disconnect_this_process()
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))
        time.sleep(1)
        heard.clear()
        subprocess.run(["virsh", "-q", "-c", fixtures.QEMU, "destroy", order.instance.uuid], check=True)
        end = time.monotonic() + 10
        while order.instance.uuid not in heard and time.monotonic() < end:
            time.sleep(0.1)
        self.assertIn(order.instance.uuid, heard)
        self.assertEqual(Power.SHUTDOWN, self.driver.power_state(order.instance.uuid))

    def _disconnect_this_process(self) -> None:
        listed = subprocess.run(
            ["virt-admin", "-q", "client-list", "libvirtd"], check=True, capture_output=True, text=True
        ).stdout
        ended = 0
        for number in re.findall(r"^\s*(\d+)\s", listed, re.MULTILINE):
            info = subprocess.run(
                ["virt-admin", "-q", "client-info", "libvirtd", number], check=False, capture_output=True, text=True
            ).stdout
            if re.search(rf"unix_process_id\s*:\s*{os.getpid()}\b", info):
                subprocess.run(["virt-admin", "-q", "client-disconnect", "libvirtd", number], check=True)
                ended += 1
        self.assertGreater(ended, 0)
