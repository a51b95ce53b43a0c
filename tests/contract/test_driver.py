# SPDX-License-Identifier: Apache-2.0
"""The drivers there are, each held to the one contract."""

from __future__ import annotations

import tempfile
import uuid

from minicloud import conf
from minicloud.virt import loader
from minicloud.virt.driver import ComputeDriver, SourceImage
from tests.contract import driver
from tests.fixtures import containers, libvirt


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
