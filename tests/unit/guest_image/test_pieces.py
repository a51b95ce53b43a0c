# SPDX-License-Identifier: Apache-2.0
"""The pieces of a guest's build, each without network."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import testtools

from minicloud.guest_image import CannotBuild, archive, disk, elf, modules, tools, tree


class GuestTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class ArchiveTest(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.root = self.folder / "root"
        (self.root / "bin").mkdir(parents=True)
        (self.root / "bin/tool").write_bytes(b"content")
        (self.root / "bin/tool").chmod(0o755)
        (self.root / "bin/link").symlink_to("tool")

    def test_cpio(self) -> None:
        archive.cpio(self.root, self.folder / "ramdisk")
        data = gzip.decompress((self.folder / "ramdisk").read_bytes())
        found = {}
        while data:
            self.assertEqual(b"070701", data[:6])
            fields = [int(data[6 + 8 * number : 14 + 8 * number], 16) for number in range(13)]
            mode, size, length = fields[1], fields[6], fields[11]
            self.assertEqual((0, 0), (fields[2], fields[3]), "everything is root's")
            start = (110 + length + 3) // 4 * 4
            found[data[110 : 109 + length].decode()] = (mode, data[start : start + size], tuple(fields[9:11]))
            data = data[start + (size + 3) // 4 * 4 :]
        self.assertEqual((0o100755, b"content", (0, 0)), found["bin/tool"])
        self.assertEqual((0o120777, b"tool", (0, 0)), found["bin/link"])
        self.assertEqual((0o20600, b"", (5, 1)), found["dev/console"])
        self.assertEqual("TRAILER!!!", list(found)[-1])

    def test_tar(self) -> None:
        archive.tar(self.root, self.folder / "root.tar")
        with tarfile.open(self.folder / "root.tar") as tar:
            self.assertEqual(["bin", "bin/link", "bin/tool"], tar.getnames())
            self.assertEqual(
                (0, "root", 0o755), (lambda one: (one.uid, one.uname, one.mode))(tar.getmember("bin/tool"))
            )
            self.assertEqual("tool", tar.getmember("bin/link").linkname)


class ElfTest(testtools.TestCase):
    def test_as_the_system_says(self) -> None:
        try:
            said = subprocess.run(
                ["objdump", "-p", sys.executable], capture_output=True, text=True, check=True, timeout=60
            ).stdout
        except FileNotFoundError:
            self.skipTest("there is no objdump")
        wanted = [line.split()[1] for line in said.splitlines() if line.strip().startswith("NEEDED")]
        self.assertNotEqual([], wanted)
        self.assertEqual(wanted, elf.needed(Path(sys.executable).read_bytes()))

    def test_something_else(self) -> None:
        self.assertRaises(ValueError, elf.needed, b"#!/bin/sh")


class ModulesTest(GuestTest):
    def module(self, name: str, depends: str = "") -> None:
        (self.folder / f"{name}.ko").write_bytes(b"\x7fELF\0depends=" + depends.encode() + b"\0name=x\0")

    def test_order(self) -> None:
        self.module("virtio_net", "net_failover")
        self.module("net_failover", "failover")
        self.module("failover")
        self.module("virtio-pci")
        self.module("virtio_blk")
        self.module("unrelated")
        names = [path.stem for path in modules.wanted(self.folder)]
        self.assertEqual(["virtio-pci", "virtio_blk", "failover", "net_failover", "virtio_net"], names)

    def test_kernel_for_other_machines(self) -> None:
        self.module("virtio_pci")
        self.module("virtio_blk")
        self.assertIn("virtio_net", str(self.assertRaises(CannotBuild, modules.wanted, self.folder)))
        (self.folder / "modules.builtin").write_text("kernel/drivers/net/virtio_net.ko\n")
        self.assertEqual(2, len(modules.wanted(self.folder)))


class ToolsTest(GuestTest):
    def test_missing(self) -> None:
        error = self.assertRaises(CannotBuild, tools.require, ["sh", "no-such-program"])
        self.assertIn("no-such-program", str(error))

    def test_failure_is_told(self) -> None:
        error = self.assertRaises(CannotBuild, tools.run, "sh", "-c", "echo first; echo the reason >&2; exit 3")
        self.assertIn("the reason", str(error))

    def test_takes_too_long(self) -> None:
        self.assertRaises(CannotBuild, tools.run, "sleep", "10", timeout=0.1)


class DiskTest(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        try:
            tools.require(("mke2fs", "debugfs", "qemu-img", "grub-mkimage"))
        except CannotBuild as error:
            self.skipTest(str(error))
        self.root = self.folder / "root"
        (self.root / "etc").mkdir(parents=True)
        (self.root / "etc/motd").write_text("hello")

    def test_file_system(self) -> None:
        made = self.folder / "root.ext4"
        disk.file_system(self.root, made, 16)
        self.assertEqual("hello", tools.run("debugfs", "-R", "cat /etc/motd", str(made)))
        self.assertRegex(tools.run("debugfs", "-R", "stat /etc/motd", str(made)), r"User: +0 +Group: +0")
        self.assertIn(disk.LABEL, tools.run("debugfs", "-R", "show_super_stats -h", str(made)))

    def test_disk(self) -> None:
        grub = Path("/usr/lib/grub/i386-pc")
        if not grub.is_dir():
            self.skipTest("GRUB's modules are not installed")
        made = self.folder / "guest.qcow2"
        disk.make(self.root, grub, self.folder, made, 16)
        tools.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(made), str(self.folder / "out"))
        data = (self.folder / "out").read_bytes()
        self.assertEqual(17 << 20, len(data))
        self.assertEqual(b"\x55\xaa", data[510:512])
        state, kind, first, count = struct.unpack("<B3xB3xII", data[446:462])
        self.assertEqual((0x80, 0x83, 2048, 32768), (state, kind, first, count))
        start, sectors, segment = struct.unpack("<QHH", data[512 + 0x1F4 : 1024])
        self.assertEqual((2, 0x820), (start, segment))
        self.assertNotEqual(bytes(512), data[(1 + sectors) * 512 : (2 + sectors) * 512], "the core's last sector")
        self.assertEqual(0xEF53, struct.unpack_from("<H", data, (1 << 20) + 1024 + 56)[0], "the magic of ext4")


class FilesTest(testtools.TestCase):
    def test_scripts_can_be_read_by_a_shell(self) -> None:
        folder = Path(tree.__file__).parent / "files"
        scripts = sorted(folder.glob("*.sh"))
        self.assertIn("boot.sh", [script.name for script in scripts])
        for script in scripts:
            done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False, timeout=10)
            self.assertEqual("", done.stderr)


class CommandsTest(GuestTest):
    """Our small scripts in place of programs that the guest has not; run by this machine's shell."""

    def setUp(self) -> None:
        super().setUp()
        self.tools = self.folder / "bin"
        self.tools.mkdir()

    def fake(self, name: str, script: str) -> None:
        """A program that the script under test finds before any other."""
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def run_script(self, name: str, *arguments: str) -> tuple[int, str, str]:
        path = Path(tree.__file__).parent / "files" / name
        environment = {"PATH": f"{self.tools}:/usr/bin:/bin"}
        command = ["sh", str(path), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def test_sudo(self) -> None:
        self.fake("id", "echo 0")
        self.assertEqual((0, "a b", ""), self.run_script("sudo.sh", "-n", "echo", "a b"))
        self.assertEqual((3, "", ""), self.run_script("sudo.sh", "sh", "-c", "exit 3"))
        self.assertEqual((0, "x", ""), self.run_script("sudo.sh", "ONE=x", "sh", "-c", "echo $ONE"))
        code, _said, error = self.run_script("sudo.sh", "-u", "web", "true")
        self.assertEqual((1, True), (code, "-u" in error))
        self.fake("id", "echo 1000")
        code, _said, error = self.run_script("sudo.sh", "echo", "a")
        self.assertEqual((1, True), (code, "root" in error))

    def test_curl(self) -> None:
        self.fake("wget", 'printf "%s|" "$@"')
        for arguments, asked in (
            (["http://a/b"], "-q|-O|-|http://a/b|"),
            (["-s", "-o", "f", "http://a"], "-q|-O|f|http://a|"),
            (["-X", "POST", "-d", "x y", "http://a"], "-q|-O|-|--post-data|x y|http://a|"),
            (["-d", "x", "http://a"], "-q|-O|-|--post-data|x|http://a|"),
        ):
            self.assertEqual((0, asked, ""), self.run_script("curl.sh", *arguments))
        for arguments in (["-X", "DELETE", "http://a"], ["--cert", "x", "http://a"]):
            self.assertEqual(2, self.run_script("curl.sh", *arguments)[0], arguments)

    def test_blkid(self) -> None:
        self.fake("findfs", '[ "$1" = LABEL=config-2 ] && echo /dev/sr0')
        self.assertEqual((0, "/dev/sr0", ""), self.run_script("blkid.sh", "-L", "config-2", "-o", "device"))
        self.assertEqual(2, self.run_script("blkid.sh", "-L", "another")[0])
        self.assertEqual(4, self.run_script("blkid.sh", "/dev/vda")[0])

    def test_lsblk(self) -> None:
        code, said, error = self.run_script("lsblk.sh", "-lb", "--nodeps")
        self.assertEqual((0, ""), (code, error))
        head, *rows = said.splitlines()
        self.assertEqual(["NAME", "MAJ:MIN", "RM", "SIZE", "RO", "TYPE", "MOUNTPOINT"], head.split())
        devices = {one.name for one in Path("/sys/class/block").glob("*") if (one / "device").exists()}
        self.assertEqual(devices, {row.split()[0] for row in rows})
        self.assertTrue({row[head.index("TYPE") :].split()[0] for row in rows} <= {"disk", "rom"})
