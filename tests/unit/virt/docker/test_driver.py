# SPDX-License-Identifier: Apache-2.0
"""What needs no daemon: whose containers are whose, what is kept beside them, and what is said without one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import testtools
from docker import errors

from minicloud import conf, exception
from minicloud.objects import Image, Vif
from minicloud.virt import loader
from minicloud.virt.docker import DockerDriver
from minicloud.virt.docker.daemon import Daemon
from minicloud.virt.docker.guests import CLOUD, HOST, INSTANCE, Guests
from minicloud.virt.docker.images import Images
from minicloud.virt.docker.nodes import node, version_number
from minicloud.virt.docker.stats import nic
from minicloud.virt.docker.store import Store

VIF = Vif(port_id="0123456789abcdef", network_id="n", network_name="net", mac_address="fa:16:3e:00:00:01")


class DriverTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", folder.name)
        self.conf.set_override("compute_driver", "docker.DockerDriver")
        self.conf.set_override("url", f"unix://{folder.name}/none.sock", group="docker")

    def test_without_a_daemon_it_says_what_to_do(self) -> None:
        driver = loader.load(self.conf, "h1")
        self.assertIsInstance(driver, DockerDriver)
        error = self.assertRaises(exception.ConfigurationError, driver.init_host)
        self.assertIn(f"{self.folder}/none.sock", str(error))
        self.assertIn("systemctl start docker", str(error))
        driver.cleanup_host()

    def test_errors_of_the_daemon_are_ours(self) -> None:
        daemon = Daemon(self.conf.docker)
        daemon._api = object()  # nothing is asked of it
        for error, wanted in (
            (errors.NotFound("no such container"), exception.GuestNotFound),
            (errors.APIError("conflict"), exception.VirtError),
            (ConnectionRefusedError("no"), exception.VirtError),
        ):

            def ask(error: Exception = error) -> None:
                with daemon.asked("u"):
                    raise error

            self.assertRaises(wanted, ask)

    def test_containers_with_borrowed_labels_are_not_ours(self) -> None:
        guests = Guests(Daemon(self.conf.docker), "h1", "minicloud", "c1")
        labels = {INSTANCE: "u1", HOST: "h1", CLOUD: "c1"}
        self.assertTrue(guests.is_ours("/minicloud-u1", labels))
        for name, found in (
            ("/web", labels),
            ("/minicloud-u2", labels),
            ("/minicloud-u1", {**labels, HOST: "h2"}),
            ("/minicloud-u1", {**labels, CLOUD: "c2"}),
            ("/minicloud-u1", {INSTANCE: "u1", HOST: "h1"}),
            ("/minicloud-u1", None),
            ("/minicloud-", {HOST: "h1"}),
        ):
            self.assertFalse(guests.is_ours(name, found), (name, found))

    def test_ports_and_files_are_kept_for_the_owner_alone(self) -> None:
        store = Store(self.folder / "guests")
        self.assertEqual((), store.vifs("u1"))
        store.keep_vifs("u1", [VIF])
        self.assertEqual((VIF,), store.vifs("u1"))
        drive = Path(store.keep_files("u1", {"openstack/latest/user_data": b"secret"}) or "")
        file = drive / "openstack" / "latest" / "user_data"
        self.assertEqual((b"secret", 0o600), (file.read_bytes(), file.stat().st_mode & 0o777))
        self.assertEqual(0o700, drive.stat().st_mode & 0o777)
        self.assertIsNone(store.keep_files("u1", {}))
        self.assertFalse(file.exists())
        store.forget("u1")
        store.forget("u1")
        self.assertEqual([], list((self.folder / "guests").iterdir()))

    def test_files_stay_in_their_folder(self) -> None:
        store = Store(self.folder / "guests")
        for name in ("../x", "/etc/x", "a/../../x", ""):
            self.assertRaises(exception.VirtError, store.keep_files, "u1", {name: b""})

    def test_tags_are_names_to_docker_whatever_an_id_is(self) -> None:
        images = Images(Daemon(self.conf.docker), self.folder, "minicloud", 1)
        self.assertEqual("minicloud/a-1:unchecked", images.tag(Image(id="a-1")))
        self.assertEqual(f"minicloud/a-1:{'a' * 32}", images.tag(Image(id="a-1", checksum="A" * 32)))
        self.assertRegex(images.tag(Image(id="../X:y", checksum="; rm")), r"^minicloud/[0-9a-f]{64}:unchecked$")

    def test_a_node_is_the_machine(self) -> None:
        info = {
            "Architecture": "x86_64",
            "NCPU": 2,
            "MemTotal": 3 << 30,
            "DockerRootDir": str(self.folder),
            "ServerVersion": "20.10.24+dfsg1",
        }
        found = node("h1", info)
        self.assertEqual((2, 3072, 20010024), (found.vcpus, found.memory_mb, found.hypervisor_version))
        self.assertEqual((("x86_64", "docker", "exe"),), found.supported_instances)
        self.assertEqual(node("h1", info).uuid, found.uuid)
        self.assertNotEqual(node("h2", info).uuid, found.uuid)
        self.assertEqual(1, version_number("dev"))

    def test_what_the_host_sends_the_guest_receives(self) -> None:
        folder = self.folder / VIF.devname / "statistics"
        folder.mkdir(parents=True)
        (folder / "tx_bytes").write_text("7\n")
        found = nic(VIF, self.folder)
        self.assertEqual((7, None), (found.rx_octets, found.tx_octets))
