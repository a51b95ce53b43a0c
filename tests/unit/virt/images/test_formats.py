# SPDX-License-Identifier: Apache-2.0
"""What an image really is: real disks, and those that want to read a file of the host."""

from __future__ import annotations

import struct

from minicloud import exception
from minicloud.virt.images import formats
from tests.unit.virt.images.base import ImagesTest

#: A descriptor in the place of a disk, whose extent is a file of the host.
DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW 2048 FLAT "/etc/passwd" 0
"""


class FormatsTest(ImagesTest):
    def inspect(self, data: bytes, disk_format: str | None = "qcow2") -> formats.Inspected:
        path = self.folder / "image"
        path.write_bytes(data)
        return formats.inspect(path, "id", disk_format)

    def refused(self, data: bytes, disk_format: str | None = "qcow2") -> str:
        return str(self.assertRaises(exception.ImageUnacceptable, self.inspect, data, disk_format))

    def test_disks(self) -> None:
        for name, driver in (("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi"), ("vhdx", "vhdx"), ("vhd", "vpc")):
            found = self.inspect(self.disk(driver), name)
            self.assertEqual(driver, found.kind.driver)
            if name != "vhd":  # whose size is that of a geometry
                self.assertEqual(1 << 20, found.virtual_size, name)

    def test_streamed_vmdk(self) -> None:
        data = self.disk("vmdk", b"x", "-o", "subformat=streamOptimized")
        self.assertEqual(1 << 20, self.inspect(data, "vmdk").virtual_size)

    def test_raw(self) -> None:
        found = self.inspect(b"anything" * 1000, "raw")
        self.assertIsNone(found.kind.driver)
        self.assertEqual(8000, found.virtual_size)

    def test_raw_with_partitions(self) -> None:
        sector = bytearray(512)
        sector[446:462] = struct.pack("<BBBBBBBBII", 0x80, 0, 1, 0, 0x83, 0, 1, 0, 2048, 2048)
        sector[510:512] = b"\x55\xaa"
        self.assertIsNone(self.inspect(bytes(sector).ljust(1 << 20, b"\0"), "raw").kind.driver)

    def test_kernel(self) -> None:
        boot = bytearray(b"MZ" + bytes(range(256)) * 2)[:512]
        boot[510:512] = b"\x55\xaa"
        self.assertFalse(self.inspect(bytes(boot).ljust(1 << 20, b"\x11"), "aki").kind.is_disk)

    def test_backing_file(self) -> None:
        self.qemu_img("create", "-q", "-f", "raw", "secret", "1M")
        self.qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", "secret", "overlay")
        self.assertIn("backing file", self.refused((self.folder / "overlay").read_bytes()))

    def test_data_file(self) -> None:
        self.qemu_img("create", "-q", "-f", "qcow2", "-o", "data_file=secret,data_file_raw=on", "disk", "1M")
        self.assertIn("data_file", self.refused((self.folder / "disk").read_bytes()))

    def test_encrypted(self) -> None:
        data = bytearray(self.disk())
        data[32:36] = struct.pack(">I", 2)
        self.assertIn("encrypted", self.refused(bytes(data)))

    def test_unknown_features(self) -> None:
        data = bytearray(self.disk())
        data[72] = 0x80
        self.assertIn("features", self.refused(bytes(data)))

    def test_descriptor_of_other_files(self) -> None:
        self.refused(DESCRIPTOR.ljust(4096, b"\0"), "vmdk")
        self.refused(DESCRIPTOR.ljust(4096, b"\0"), "qcow2")

    def test_flat_vmdk(self) -> None:
        self.qemu_img("create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", "flat.vmdk", "1M")
        self.refused((self.folder / "flat.vmdk").read_bytes().ljust(4096, b"\0"), "vmdk")

    def test_vmdk_with_an_extent_elsewhere(self) -> None:
        data = self.disk("vmdk")
        begin = data.index(b"RW 2048 SPARSE")
        end = data.index(b"\n", begin)
        line = b'RW 2048 FLAT "/etc/passwd" 0'.ljust(end - begin)
        self.assertEqual(end - begin, len(line))
        self.assertIn("not safe", self.refused(data[:begin] + line + data[end:], "vmdk"))

    def test_said_to_be_something_else(self) -> None:
        self.assertIn("said to be raw, but its data is qcow2", self.refused(self.disk(), "raw"))
        self.assertIn("said to be raw, but its data is vmdk", self.refused(self.disk("vmdk"), "raw"))
        self.assertIn("said to be qcow2, but its data is raw", self.refused(b"not a disk" * 1000))
        self.assertIn("said to be aki, but its data is qcow2", self.refused(self.disk(), "aki"))

    def test_formats_that_are_not_taken(self) -> None:
        self.assertIn("ploop", self.refused(b"", "ploop"))
        self.refused(b"", None)
        self.assertIn("its data is qed", self.refused(self.disk("qed"), "raw"))

    def test_header_cut_short(self) -> None:
        self.refused(self.disk()[:100])
        self.refused(b"")
