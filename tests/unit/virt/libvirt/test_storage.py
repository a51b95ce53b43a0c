# SPDX-License-Identifier: Apache-2.0
"""Folders and whose they are, and the disks in them, made with the real qemu-img."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import testtools

from minicloud import exception
from minicloud.objects import Flavor, Instance
from minicloud.virt import config_drive
from minicloud.virt.driver import Cancelled, SpawnOrder
from minicloud.virt.images import ImageCache
from minicloud.virt.libvirt.storage import qemu_img
from minicloud.virt.libvirt.storage.disks import GIB, MIB, Disks
from minicloud.virt.libvirt.storage.folder import GuestFolder
from tests.fixtures import libvirt


class StorageTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)


class TestFolder(StorageTest):
    def on(self, host: str) -> GuestFolder:
        return GuestFolder(self.path, "u", host)

    def moved(self) -> tuple[GuestFolder, GuestFolder]:
        a, b = self.on("a"), self.on("b")
        a.make()
        (a.path / "disk").touch()
        a.keep()
        b.take()
        return a, b

    def test_a_host_removes_its_own(self) -> None:
        self.on("a").make()
        self.on("b").remove()
        self.assertTrue(self.on("a").exists)
        for _ in range(2):
            self.on("a").remove()
        self.assertEqual([], list(self.path.iterdir()))

    def test_a_resize_on_one_host(self) -> None:
        folder = self.on("a")
        folder.make()
        folder.keep()
        folder.take()
        folder.remove()
        self.assertFalse(folder.path.exists())

    def test_confirmed_the_source_leaves_the_disk(self) -> None:
        a, b = self.moved()
        a.remove()
        self.assertTrue((b.path / "disk").exists())
        a.remove()
        self.assertTrue((b.path / "disk").exists())
        b.remove()
        self.assertFalse(b.path.exists())

    def test_turned_back_the_destination_leaves_the_disk(self) -> None:
        a, b = self.moved()
        b.remove()
        self.assertTrue((a.path / "disk").exists())
        a.come_back()
        b.remove()
        self.assertTrue((a.path / "disk").exists())
        a.remove()
        self.assertFalse(a.path.exists())

    def test_deleted_meanwhile_both_are_told_in_any_order(self) -> None:
        for first, second in (("a", "b"), ("b", "a")):
            self.moved()
            self.on(first).remove()
            self.assertTrue(self.on(first).path.exists())
            self.on(second).remove()
            self.on(first).remove()
            self.assertFalse(self.on(first).path.exists())


class TestDisks(StorageTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = GuestFolder(self.path / "instances", "u", "a")
        self.cancelled = threading.Event()
        self.cache = ImageCache(self.path / "cache", max_bytes=GIB)

    def disks(self, kind: str = "qcow2") -> Disks:
        return Disks(self.cache, kind, config_drive.write_iso)

    def order(self, image: bool = True, files: dict[str, bytes] | None = None, **sizes: int) -> SpawnOrder:
        flavor = Flavor(**{"flavorid": "1", "name": "f", "vcpus": 1, "memory_mb": 64, "root_gb": 1, **sizes})
        instance = Instance(uuid="u", project_id="p", user_id="u", display_name="n", vm_state="building", flavor=flavor)
        source = libvirt.blank_image(self.path) if image else None
        return SpawnOrder(instance, self.cancelled, image=source, files=files or {})

    def test_an_overlay_as_large_as_the_flavor_says(self) -> None:
        (root,) = self.disks().make(self.order(root_gb=2), self.folder)
        self.assertEqual(("root", "qcow2"), (root.role, root.format))
        self.assertEqual(2 * GIB, qemu_img.virtual_size(root.path, "qcow2"))

    def test_it_survives_the_cache(self) -> None:
        (root,) = self.disks().make(self.order(), self.folder)
        for path in (self.path / "cache").glob("*.qcow2"):
            path.unlink()
        qemu_img.run(["qemu-img", "check", "-q", str(root.path)])

    def test_a_raw_copy(self) -> None:
        (root,) = self.disks("raw").make(self.order(), self.folder)
        self.assertEqual(("raw", GIB), (root.format, root.path.stat().st_size))

    def test_no_size_is_that_of_the_image(self) -> None:
        (root,) = self.disks().make(self.order(root_gb=0), self.folder)
        self.assertEqual(16 * MIB, qemu_img.virtual_size(root.path, "qcow2"))

    def test_an_image_that_is_too_large_is_refused(self) -> None:
        order = self.order()
        image = libvirt.blank_image(self.path, "2G")
        order = SpawnOrder(order.instance, self.cancelled, image=image)
        self.assertRaises(exception.BuildAborted, self.disks().make, order, self.folder)

    def test_what_is_there_stays_without_an_image(self) -> None:
        (root,) = self.disks().make(self.order(), self.folder)
        before = root.path.read_bytes()
        self.disks().make(self.order(image=False), self.folder)
        self.assertEqual(before, root.path.read_bytes())

    def with_kernel(self, text: bytes, *roles: str) -> SpawnOrder:
        """An order whose image names others."""
        order = self.order()
        assert isinstance(order.image, libvirt.DiskImage)
        for role, kind in (("kernel", "aki"), ("ramdisk", "ari")):
            if role in roles:
                path = self.path / f"the-{role}"
                path.write_bytes(text.ljust(1024, b"\0"))
                order.image.parts[f"{role}_id"] = libvirt.DiskImage(path, kind)
        return order

    def test_a_kernel_and_what_rescues_without_one(self) -> None:
        disks = self.disks()
        disks.make(self.with_kernel(b"first", "kernel", "ramdisk"), self.folder)
        kernel = disks.kernel(self.folder)
        assert kernel is not None and kernel.ramdisk is not None
        self.assertEqual(b"first", kernel.path.read_bytes()[:5])
        disks.make_rescue(self.order(), self.folder, "disk", None)
        self.assertIsNone(disks.kernel(self.folder))
        disks.remove_rescue(self.folder)
        disks.make_rescue(self.with_kernel(b"other", "kernel"), self.folder, "disk", None)
        rescue = disks.kernel(self.folder)
        assert rescue is not None
        self.assertEqual((b"other", None), (rescue.path.read_bytes()[:5], rescue.ramdisk))
        disks.remove_rescue(self.folder)
        self.assertEqual(kernel, disks.kernel(self.folder))
        disks.make(self.order(), self.folder)
        self.assertIsNone(disks.kernel(self.folder), "a rebuilt guest starts with what its new image has")

    def test_everything_a_flavor_has(self) -> None:
        files = {"openstack/latest/meta_data.json": b"{}"}
        made = self.disks().make(self.order(files=files, ephemeral_gb=1, swap=64), self.folder)
        self.assertEqual(["root", "ephemeral", "swap", "config"], [disk.role for disk in made])
        self.assertEqual([GIB, 64 * MIB], [disk.path.stat().st_size for disk in made[1:3]])
        self.assertEqual(b"SWAPSPACE2", made[2].path.read_bytes()[4086:4096])
        self.assertEqual(0x53, made[1].path.read_bytes()[1024 + 0x38])
        self.assertEqual("cdrom", made[3].device)

    def test_disks_grow_and_never_shrink(self) -> None:
        disks = self.disks()
        (root,) = disks.make(self.order(), self.folder)
        for size, expected in ((3, 3), (1, 3)):
            disks.grow(self.order(root_gb=size).instance, self.folder)
            self.assertEqual(expected * GIB, qemu_img.virtual_size(root.path, "qcow2"))
        disks.grow(self.order(root_gb=1, swap=8).instance, self.folder)
        self.assertEqual(["root", "swap"], [disk.role for disk in disks.all(self.folder)])
        disks.grow(self.order(root_gb=1).instance, self.folder)
        self.assertEqual(["root"], [disk.role for disk in disks.all(self.folder)])

    def test_nobody_wants_it_any_more(self) -> None:
        self.cancelled.set()
        self.assertRaises(Cancelled, self.disks().make, self.order(), self.folder)


class TestQemuImg(StorageTest):
    def test_what_fails_says_why(self) -> None:
        error = self.assertRaises(exception.VirtError, qemu_img.virtual_size, self.path / "none", "raw")
        self.assertIn("none", str(error))

    def test_a_header_in_a_raw_disk_is_data(self) -> None:
        """A guest that writes a qcow2 header with a backing file of the host's gets nothing of it."""
        secret, trap, copy = self.path / "secret", self.path / "trap", self.path / "copy"
        secret.write_bytes(b"secret" * 1000)
        qemu_img.create(trap, "qcow2", None, backing=(secret, "raw"))
        written = trap.read_bytes()
        qemu_img.convert(trap, "raw", copy, "raw")
        self.assertEqual(written, copy.read_bytes()[: len(written)])

    def test_what_nobody_wants_is_ended(self) -> None:
        cancelled = threading.Event()
        threading.Timer(0.1, cancelled.set).start()
        self.assertRaises(Cancelled, qemu_img.run, ["sleep", "60"], cancelled)
