# SPDX-License-Identifier: Apache-2.0
"""The Docker driver on a real daemon: networks, images, files, and what happens behind its back."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import testtools

from minicloud import conf, exception
from minicloud.objects import FixedIp, Flavor, Instance, Vif
from minicloud.states import Power
from minicloud.virt.docker import DockerDriver
from minicloud.virt.driver import Order, SpawnOrder
from tests.fixtures import containers

NETS = Path("/sys/class/net")

#: Seconds.
PATIENCE = 15


class DockerTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        url = containers.docker_url(self)
        self.image = containers.TarImage(containers.root_file_system(self))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", folder.name)
        self.prefix = f"test-{uuid.uuid4().hex[:8]}"
        for name, value in {"url": url, "name_prefix": self.prefix, "stop_timeout": 2}.items():
            self.conf.set_override(name, value, group="docker")
        self.addCleanup(containers.remove_all, url, self.prefix)
        self.api = docker.APIClient(base_url=url, version="auto")
        self.addCleanup(self.api.close)
        self.driver = self.make_driver()

    def make_driver(self) -> DockerDriver:
        driver = DockerDriver(self.conf, "h1")
        driver.init_host()
        self.addCleanup(driver.cleanup_host)
        return driver

    def spawn(self, *vifs: Vif, image: containers.TarImage | None = None, **more: object) -> Order:
        files = more.pop("files", {})
        order = self.order(*vifs, **more)
        self.addCleanup(self.driver.destroy, order)
        self.driver.spawn(
            SpawnOrder(order.instance, order.cancelled, vifs=vifs, image=image or self.image, files=files)
        )
        return order

    def order(self, *vifs: Vif, **more: object) -> Order:
        flavor = Flavor(flavorid="1", name="tiny", vcpus=1, memory_mb=32, root_gb=1)
        known = {"project_id": "p", "user_id": "u", "display_name": "d", "vm_state": "building", "hostname": "web"}
        instance = Instance(**{**known, "uuid": str(uuid.uuid4()), "flavor": flavor, "network_info": vifs, **more})
        return Order(instance, threading.Event())

    def name(self, order: Order) -> str:
        return f"{self.prefix}-{order.instance.uuid}"

    def run_in(self, order: Order, *command: str) -> tuple[int, str]:
        made = self.api.exec_create(self.name(order), list(command))
        output = self.api.exec_start(made["Id"]).decode()
        return self.api.exec_inspect(made["Id"])["ExitCode"], output

    def wait_for(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > end:
                self.fail("it did not come to pass")
            time.sleep(0.05)


class NetworkTest(DockerTestCase):
    """Needs root, and makes a bridge of its own."""

    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root makes network devices")
        self.bridge = f"tst{uuid.uuid4().hex[:8]}"
        self.addCleanup(subprocess.run, ["ip", "link", "del", self.bridge], check=False, stderr=subprocess.DEVNULL)

    def vif(self, last: int, **more: object) -> Vif:
        fixed = FixedIp(address=f"10.213.7.{last}", subnet_id="s", prefix=24, gateway="10.213.7.1", dns=("9.9.9.9",))
        known = {"network_id": "n", "network_name": "net", "vif_type": "bridge", "bridge": self.bridge, "mtu": 1400}
        mac = f"fa:16:3e:07:07:{last:02x}"
        return Vif(**{"port_id": str(uuid.uuid4()), "mac_address": mac, "fixed_ips": (fixed,), **known, **more})

    def bridged(self, vif: Vif) -> bool:
        return (NETS / self.bridge / "brif" / vif.devname).exists()

    def assert_reaches(self, order: Order, address: str) -> None:
        code, output = self.run_in(order, "ping", "-c", "1", "-w", "5", address)
        self.assertEqual(0, code, output)

    def test_two_servers_reach_each_other(self) -> None:
        first, second = self.vif(5), self.vif(6)
        one, two = self.spawn(first), self.spawn(second)
        self.assertTrue(self.bridged(first) and self.bridged(second))
        self.assertEqual("1400", (NETS / first.devname / "mtu").read_text().strip())
        self.assert_reaches(one, "10.213.7.6")
        self.assert_reaches(two, "10.213.7.5")
        shown = self.run_in(one, "ip", "addr", "show", "eth0")[1]
        for fact in (first.mac_address, "10.213.7.5/24", "mtu 1400"):
            self.assertIn(fact, shown)
        self.assertIn("default via 10.213.7.1 dev eth0", self.run_in(one, "ip", "route")[1])
        self.assertIn("169.254.169.254 dev eth0", self.run_in(one, "ip", "route")[1])
        self.assertIn("nameserver 9.9.9.9", self.run_in(one, "cat", "/etc/resolv.conf")[1])
        self.assertIn("10.213.7.5\tweb", self.run_in(one, "cat", "/etc/hosts")[1])
        self.assertEqual("web", self.run_in(one, "hostname")[1].strip())
        self.driver.destroy(one)
        self.assertFalse((NETS / first.devname).exists())
        self.assertTrue(self.bridged(second))

    def test_six_works_too(self) -> None:
        fixed = FixedIp(address="fd00:213::5", subnet_id="t", version=6, prefix=64, gateway="fd00:213::1")
        order = self.spawn(self.vif(5, fixed_ips=(fixed,)))
        self.assertIn("fd00:213::5/64", self.run_in(order, "ip", "addr", "show", "eth0")[1])
        self.assertIn("default via fd00:213::1", self.run_in(order, "ip", "-6", "route")[1])

    def test_every_start_plugs_in_again(self) -> None:
        vif = self.vif(5)
        order, other = self.spawn(vif), self.spawn(self.vif(6))
        for act in (
            lambda: self.driver.reboot(order, hard=False),
            lambda: self.driver.reboot(order, hard=True),
            lambda: self.driver.power_off(order),
            lambda: self.driver.power_on(order),
        ):
            act()
            if self.driver.power_state(order.instance.uuid) == Power.RUNNING:
                self.assert_reaches(order, "10.213.7.6")
        self.assert_reaches(other, "10.213.7.5")

    def test_a_start_behind_its_back_is_followed(self) -> None:
        vif = self.vif(5)
        order = self.spawn(vif)
        told: list[str] = []
        self.driver.listen(told.append)
        self.api.kill(self.name(order))
        self.wait_for(lambda: order.instance.uuid in told)
        self.wait_for(lambda: not (NETS / vif.devname).exists())
        self.assertEqual(Power.SHUTDOWN, self.driver.power_state(order.instance.uuid))
        self.api.start(self.name(order))
        self.wait_for(lambda: "10.213.7.5/24" in self.run_in(order, "ip", "addr")[1])
        self.assertTrue(self.bridged(vif))

    def test_a_start_while_nobody_listened_is_followed(self) -> None:
        vif = self.vif(5)
        order = self.spawn(vif)
        self.driver.cleanup_host()
        self.api.restart(self.name(order), timeout=0)
        self.driver = self.make_driver()
        self.wait_for(lambda: self.bridged(vif) and "10.213.7.5/24" in self.run_in(order, "ip", "addr")[1])

    def test_interfaces_come_and_go(self) -> None:
        first, second = self.vif(5), self.vif(7)
        order = self.spawn(first)
        for _ in range(2):
            self.driver.attach_interface(order, second)
        self.assertTrue(self.bridged(second))
        self.assertIn("10.213.7.7/24", self.run_in(order, "ip", "addr", "show", "eth1")[1])
        nics = self.driver.diagnostics(order.instance).nics
        self.assertEqual([first.mac_address, second.mac_address], [nic.mac_address for nic in nics])
        for _ in range(2):
            self.driver.detach_interface(order, second)
        self.assertFalse((NETS / second.devname).exists())
        self.driver.reboot(order, hard=True)
        self.assertFalse((NETS / second.devname).exists())
        self.assertTrue(self.bridged(first))

    def test_a_bridge_that_cannot_be_is_an_error(self) -> None:
        error = self.assertRaises(exception.VirtError, self.spawn, self.vif(5, bridge="../../etc"))
        self.assertIn("no name of a network device", str(error))


class ImageTest(DockerTestCase):
    def saved(self, tag: str) -> bytes:
        """What ``docker save`` writes of an image with a name."""
        name, _, version = tag.partition(":")
        self.api.import_image_from_data(iter([self.image.data]), repository=name, tag=version)
        try:
            return b"".join(self.api.get_image(tag))
        finally:
            self.api.remove_image(tag)

    def test_an_image_is_fetched_once(self) -> None:
        orders = [self.spawn(), self.spawn()]
        self.assertEqual(1, self.image.reads)
        self.assertEqual({o.instance.uuid: Power.RUNNING for o in orders}, dict(self.driver.guests()))
        self.assertEqual([], list((self.folder / "docker" / "h1" / "incoming").iterdir()))

    def test_a_saved_image_runs_and_replaces_no_other(self) -> None:
        theirs = f"{self.prefix}/theirs:latest"
        data = self.saved(theirs)
        order = self.spawn(image=containers.TarImage(data, str(uuid.uuid4())))
        self.assertEqual(Power.RUNNING, self.driver.power_state(order.instance.uuid))
        self.assertRaises(docker.errors.ImageNotFound, self.api.inspect_image, theirs)

    def test_what_is_no_docker_image_is_refused(self) -> None:
        for image in (
            containers.TarImage(b"QFI\xfb" * 1000),
            containers.TarImage(self.image.data, container_format="bare"),
            containers.TarImage(self.image.data, checksum="0" * 32),
        ):
            self.assertRaises(exception.ImageUnacceptable, self.spawn, image=image)
        self.assertEqual({}, dict(self.driver.guests()))

    def test_a_command_that_is_not_there_is_nobody_elses_to_try(self) -> None:
        error = self.assertRaises(exception.BuildAborted, self.spawn, image_properties={"os_command_line": "/bin/none"})
        self.assertIn("/bin/none", str(error))

    def test_a_snapshot_is_an_image(self) -> None:
        order = self.spawn()
        self.run_in(order, "sh", "-c", "echo kept > /root/kept")
        before = len(self.api.images(all=True))
        data = b"".join(self.driver.snapshot(order))
        self.assertEqual(before, len(self.api.images(all=True)))
        copy = self.spawn(image=containers.TarImage(data, str(uuid.uuid4())))
        self.assertEqual("kept", self.run_in(copy, "cat", "/root/kept")[1].strip())
        self.assertEqual({order.instance.uuid, copy.instance.uuid}, set(self.driver.guests()))


class GuestTest(DockerTestCase):
    def test_files_can_be_read_and_not_written(self) -> None:
        order = self.spawn(files={"openstack/latest/user_data": b"#!/bin/sh\n"})
        path = "/var/lib/cloud/seed/config_drive/openstack/latest/user_data"
        self.assertEqual("#!/bin/sh", self.run_in(order, "cat", path)[1].strip())
        self.assertNotEqual(0, self.run_in(order, "touch", path)[0])
        self.driver.destroy(order)
        self.assertEqual([], list((self.folder / "docker" / "h1" / "guests").iterdir()))

    def test_the_key_of_its_owner_is_authorized(self) -> None:
        order = self.spawn(key_data="ssh-ed25519 AAAA me")
        self.assertEqual("ssh-ed25519 AAAA me", self.run_in(order, "cat", "/root/.ssh/authorized_keys")[1].strip())
        self.assertIn("drwx------", self.run_in(order, "ls", "-ld", "/root/.ssh")[1])
        data = b"".join(self.driver.snapshot(order))
        copy = self.spawn(image=containers.TarImage(data, str(uuid.uuid4())), key_data="ssh-ed25519 BBBB you")
        self.assertEqual(2, self.run_in(copy, "cat", "/root/.ssh/authorized_keys")[1].count("ssh-ed25519"))

    def test_a_server_has_the_size_of_its_flavor_and_takes_another(self) -> None:
        order = self.spawn()
        limit = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
        if not Path(limit).exists():
            limit = "/sys/fs/cgroup/memory.max"
        self.assertEqual(str(32 << 20), self.run_in(order, "cat", limit)[1].strip())
        self.driver.migrate_out(order)
        flavor = order.instance.flavor.replace(memory_mb=48, vcpus=2)
        self.driver.finish_migration(SpawnOrder(order.instance.replace(flavor=flavor), order.cancelled))
        self.assertEqual(str(48 << 20), self.run_in(order, "cat", limit)[1].strip())

    def test_it_does_not_go_to_another_host(self) -> None:
        order = self.order()
        error = self.assertRaises(
            exception.NotSupported, self.driver.finish_migration, SpawnOrder(order.instance, order.cancelled)
        )
        self.assertIn("own host only", str(error))

    def test_the_console_is_kept_and_bounded(self) -> None:
        self.conf.set_override("console_log_kb", 64, group="docker")
        # Output that fills the log more than once; lines as wide as what a guest writes there.
        program = "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i; done; echo end; sleep 1000"
        order = self.spawn(image_properties={"os_command_line": f"sh -c '{program}'"})
        self.wait_for(lambda: "end" in self.driver.console_output(order.instance))
        text = self.driver.console_output(order.instance)
        self.assertIn("line 4000\nend\n", text)
        self.assertNotIn("line 1\n", text)
        self.assertLess(len(text), 64 << 10)

    def test_a_console_can_be_typed_on(self) -> None:
        order = self.spawn()
        address = self.driver.serial_console(order.instance)
        self.assertEqual(("127.0.0.1", "tcp"), (address.host, address.protocol))
        with socket.create_connection((address.host, address.port), timeout=PATIENCE) as console:
            console.sendall(b"echo $((6 * 7))two\n")
            seen = b""
            while b"42two" not in seen:
                seen += console.recv(4096)
            self.assertEqual(address, self.driver.serial_console(order.instance))
            self.driver.power_off(order)
            while console.recv(4096):
                pass  # until it is closed
        self.assertRaises(exception.ConsoleNotAvailable, self.driver.serial_console, order.instance)
        self.driver.destroy(order)
        self.assertRaises(OSError, socket.create_connection, (address.host, address.port), 1)
        self.assertRaises(exception.GuestNotFound, self.driver.serial_console, order.instance)

    def test_an_init_is_the_first_process_and_powers_off(self) -> None:
        self.conf.set_override("stop_timeout", 20, group="docker")
        inittab = "::sysinit:/bin/echo begun\n::respawn:/bin/sleep 1000\n::shutdown:/bin/echo ended\n"
        image = containers.TarImage(containers.root_file_system(self, inittab=inittab), str(uuid.uuid4()))
        order = self.spawn(image=image)
        self.wait_for(lambda: "begun" in self.driver.console_output(order.instance))
        self.assertIn("init", self.run_in(order, "cat", "/proc/1/cmdline")[1])
        began = time.monotonic()
        self.driver.power_off(order)
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn("ended", self.driver.console_output(order.instance))
        self.driver.power_on(order)
        self.run_in(order, "poweroff")
        self.wait_for(lambda: self.driver.power_state(order.instance.uuid) == Power.SHUTDOWN)

    def test_a_rescue_sees_the_guests_files_and_can_repair_them(self) -> None:
        order = self.spawn()
        self.run_in(order, "sh", "-c", "echo broken > /root/state")
        self.addCleanup(self.driver.destroy, order)
        again = SpawnOrder(order.instance, order.cancelled, image=self.image, purpose="rescue")
        for _ in range(2):
            self.driver.rescue(again)
        self.assertNotEqual(0, self.run_in(order, "cat", "/root/state")[0])
        self.assertEqual("broken", self.run_in(order, "cat", "/mnt/root/state")[1].strip())
        self.assertEqual({order.instance.uuid: Power.RUNNING}, dict(self.driver.guests()))
        self.driver.reboot(order, hard=True)
        self.run_in(order, "sh", "-c", "echo repaired > /mnt/root/state")
        for _ in range(2):
            self.driver.unrescue(order)
        self.assertEqual("repaired", self.run_in(order, "cat", "/root/state")[1].strip())
        self.assertNotEqual(0, self.run_in(order, "ls", "/mnt/root")[0])

    def test_a_guest_can_be_removed_while_it_is_repaired(self) -> None:
        order = self.spawn()
        self.driver.rescue(SpawnOrder(order.instance, order.cancelled, image=self.image, purpose="rescue"))
        self.driver.destroy(order)
        names = [name for found in self.api.containers(all=True) for name in found["Names"]]
        self.assertFalse([name for name in names if self.prefix in name])
        self.assertNotIn(str(self.folder), Path("/proc/self/mounts").read_text())
        self.assertEqual([], list((self.folder / "docker" / "h1" / "guests").iterdir()))

    def test_diagnostics_are_of_the_guest(self) -> None:
        order = self.spawn()
        found = self.driver.diagnostics(order.instance)
        self.assertEqual(
            ("running", "docker", 32, 1), (found.state, found.driver, found.memory_maximum, len(found.cpus))
        )
        self.assertGreater(found.cpus[0].time or 0, 0)
        self.driver.power_off(order)
        off = self.driver.diagnostics(order.instance)
        self.assertEqual(("shutdown", None), (off.state, off.uptime))

    def test_a_pause_ends_with_a_stop_or_a_start(self) -> None:
        order = self.spawn()
        for act, power in (
            (self.driver.power_off, Power.SHUTDOWN),
            (self.driver.power_on, Power.RUNNING),
            (lambda order: self.driver.reboot(order, hard=True), Power.RUNNING),
        ):
            if self.driver.power_state(order.instance.uuid) == Power.RUNNING:
                self.driver.pause(order)
            act(order)
            self.assertEqual(power, self.driver.power_state(order.instance.uuid))

    def test_others_containers_are_left_alone(self) -> None:
        ours = self.spawn()
        labels = self.api.inspect_container(self.name(ours))["Config"]["Labels"]
        image = self.api.inspect_container(self.name(ours))["Image"]
        other = f"{self.prefix}-other"
        self.api.create_container(image, ["sh"], name=other, labels=labels, tty=True)
        self.assertEqual({ours.instance.uuid}, set(self.driver.guests()))
        self.driver.destroy(ours)
        self.assertEqual("created", self.api.inspect_container(other)["State"]["Status"])

    def test_who_listens_hears_of_an_end(self) -> None:
        """A server that ends by itself is told to whoever listens."""
        told: list[str] = []
        self.driver.listen(told.append)
        order = self.spawn(image_properties={"os_command_line": "sleep 0.3"})
        self.wait_for(lambda: self.driver.power_state(order.instance.uuid) == Power.SHUTDOWN)
        self.wait_for(lambda: told.count(order.instance.uuid) >= 2)
