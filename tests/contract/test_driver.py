# SPDX-License-Identifier: Apache-2.0
"""The drivers there are, each held to the one contract."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, ClassVar

from minicloud import conf, exception
from minicloud.objects import Instance, Vif
from minicloud.states import Power
from minicloud.virt import loader
from minicloud.virt.driver import ComputeDriver, SourceImage
from tests.contract import driver
from tests.fixtures import containers, libvirt

#: What a container does that does nothing.
_INITTAB = "::sysinit:/bin/touch /started\n::respawn:/bin/sleep 3600\n"


class FakeDriverTest(driver.DriverContract):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", folder.name)
        self.driver = self.make_driver()
        self.driver.init_host()

    def make_driver(self) -> ComputeDriver:
        return loader.load(self.conf, "h1")


class LibvirtTestDriverTest(libvirt.DriverFixture, driver.DriverContract):
    """libvirt's own pretence: domains that live in this process."""

    uri = libvirt.TEST

    def test_interfaces_come_and_go(self) -> None:
        self.skipTest("libvirt's test driver attaches no devices")

    def test_snapshots(self) -> None:
        self.skipTest("libvirt's test driver makes no backups")

    def test_vnc_console(self) -> None:
        self.skipTest("libvirt's test driver has no screens")

    def test_serial_console(self) -> None:
        self.skipTest("libvirt's test driver has no serial lines")


class LibvirtQemuTest(libvirt.DriverFixture, driver.DriverContract):
    """QEMU, emulating."""

    uri = libvirt.QEMU


class LibvirtLxcTest(libvirt.DriverFixture, driver.DriverContract):
    """Containers of libvirt's."""

    options: ClassVar = {"virt_type": "lxc"}

    def setUp(self) -> None:
        if not Path("/usr/lib/libvirt/libvirt_lxc").exists() or os.geteuid() != 0:
            libvirt.absent(self, "containers need root and package libvirt-daemon-driver-lxc")
        self.uri = self.useFixture(libvirt.ContainerDaemon()).uri
        super().setUp()
        tree, disk = self.folder / "tree", self.folder / "root.raw"
        with tarfile.open(fileobj=io.BytesIO(containers.root_file_system(self, inittab=_INITTAB))) as archive:
            archive.extractall(tree, filter="tar")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), "16M"], check=True)
        self._image = libvirt.DiskImage(disk, "raw")

    def instance(self, **more: Any) -> Instance:
        return super().instance(**more, properties={"disk_format": "raw"})

    def test_suspend(self) -> None:
        order = self.spawned()
        self.assertRaises(exception.NotSupported, self.driver.suspend, order)
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_its_interface_is_in_its_bridge(self) -> None:
        bridge = f"mclx{uuid.uuid4().hex[:8]}"
        self.addCleanup(subprocess.run, ["ip", "link", "del", bridge], check=False, capture_output=True)
        vif = Vif(
            port_id=str(uuid.uuid4()),
            network_id="n",
            network_name="n",
            mac_address="fa:16:3e:00:02:01",
            vif_type="bridge",
            bridge=bridge,
        )
        self.spawned(vifs=(vif,))
        self.assertEqual(bridge, (Path("/sys/class/net") / vif.devname / "master").resolve().name)

    def test_a_snapshot_has_what_was_just_written(self) -> None:
        order = self.spawned()
        deadline = time.monotonic() + 20
        copy = self.folder / "copy.raw"
        while True:
            copy.write_bytes(b"".join(self.driver.snapshot(order)))
            subprocess.run(["e2fsck", "-p", str(copy)], check=False, capture_output=True)
            shown = subprocess.run(["debugfs", "-R", "stat /started", str(copy)], capture_output=True, check=True)
            if b"Inode:" in shown.stdout:
                break
            self.assertLess(time.monotonic(), deadline, "what the guest wrote is not in its snapshot")
        self.assertEqual(Power.RUNNING, self.power(order))

    def test_one_that_stood_still_when_its_compute_was_killed_goes_on(self) -> None:
        """Unless it was off by then, as after a boot of its host."""
        order = self.spawned()
        mark = self.folder / "instances" / order.instance.uuid / "snapshot-1.held"
        for end, expected in ((self.driver.pause, Power.RUNNING), (self.driver.power_off, Power.SHUTDOWN)):
            end(order)
            mark.touch()
            self.driver.init_host()
            self.assertEqual((expected, False), (self.power(order), mark.exists()))

    def test_vnc_console(self) -> None:
        self.skipTest("a container has no screen")

    def test_serial_console(self) -> None:
        self.skipTest("a container has no serial line")


class DockerDriverTest(driver.DriverContract):
    """On a real daemon."""

    def setUp(self) -> None:
        super().setUp()
        url = containers.docker_url(self)
        self._image = containers.TarImage(containers.root_file_system(self))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", folder.name)
        self.conf.set_override("compute_driver", "docker.DockerDriver")
        prefix = f"contract-{uuid.uuid4().hex[:8]}"
        for name, value in {"url": url, "name_prefix": prefix, "stop_timeout": 2}.items():
            self.conf.set_override(name, value, group="docker")
        self.addCleanup(containers.remove_all, url, prefix)
        self.driver = self.make_driver()
        self.driver.init_host()
        self.addCleanup(lambda: self.driver.cleanup_host())

    def make_driver(self) -> ComputeDriver:
        return loader.load(self.conf, "h1")

    def image(self) -> SourceImage:
        return self._image
