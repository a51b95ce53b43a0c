# SPDX-License-Identifier: Apache-2.0
"""What of a host is given to whom, what it is found to be, and what its guests say."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path

import testtools

from minicloud.virt.libvirt import console
from minicloud.virt.libvirt.host import node, probe
from minicloud.virt.libvirt.host.reservations import Reservations, can_listen
from tests.unit.virt.libvirt import plans


class TestReservations(testtools.TestCase):
    def test_everybody_gets_other_numbers_and_keeps_them(self) -> None:
        numbers = Reservations(range(4))
        self.assertEqual((0, 1), numbers.take("a", 2))
        self.assertEqual((2,), numbers.take("b", 1))
        self.assertEqual((0, 1), numbers.take("a", 2))
        self.assertEqual((3,), numbers.take("c", 5))
        numbers.release("a")
        self.assertEqual((3, 0, 1), numbers.take("c", 3))

    def test_what_the_last_run_gave_is_taken(self) -> None:
        numbers = Reservations(range(2))
        numbers.note("a", [0])
        self.assertEqual((1,), numbers.take("b", 2))

    def test_a_port_that_another_program_has_is_passed_over(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.assertEqual((), Reservations([port], can_listen("127.0.0.1")).take("a", 1))
        self.assertEqual((port,), Reservations([port], can_listen("127.0.0.1")).take("a", 1))


class TestProbe(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def test_the_boot_sector_comes_to_its_end(self) -> None:
        if shutil.which(probe.EMULATOR) is None:
            self.skipTest(f"{probe.EMULATOR} is not installed")
        self.assertTrue(probe.boots("tcg", 60))

    def test_a_guest_that_gets_nowhere_in_time_is_given_up(self) -> None:
        if shutil.which(probe.EMULATOR) is None:
            self.skipTest(f"{probe.EMULATOR} is not installed")
        self.assertFalse(probe.boots("tcg", 0.01))

    def test_an_accelerator_that_is_not_there_is_none(self) -> None:
        self.assertFalse(probe.boots("nonsense", 60))

    def test_the_answer_is_kept_until_the_next_boot(self) -> None:
        if not probe.DEVICE.exists():
            self.skipTest(f"there is no {probe.DEVICE}")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        for works in (True, False):
            (self.path / "kvm-probe.json").write_text(json.dumps({"boot": boot, "works": works}))
            self.assertEqual("kvm" if works else "qemu", probe.domain_type("qemu:///system", "auto", self.path))

    def test_what_the_configuration_says_needs_no_trial(self) -> None:
        for uri, virt_type, expected in (
            ("qemu:///system", "kvm", "kvm"),
            ("qemu:///system", "qemu", "qemu"),
            ("lxc:///system", "auto", "lxc"),
            ("test:///default", "kvm", "test"),
        ):
            self.assertEqual(expected, probe.domain_type(uri, virt_type, self.path))


class TestNode(testtools.TestCase):
    def test_traits_are_those_that_openstack_knows(self) -> None:
        facts = plans.QEMU.__class__(
            type="kvm",
            cpu_features=frozenset({"avx2", "sse4.1", "made-up"}),
            video_models=frozenset({"vga", "odd"}),
            disk_buses=frozenset({"virtio"}),
            memory=1024,
        )
        found = node.node("h1", facts, Path("/"))
        self.assertLessEqual(
            {"HW_CPU_X86_AVX2", "HW_CPU_X86_SSE41", "COMPUTE_GRAPHICS_MODEL_VGA", "COMPUTE_STORAGE_BUS_VIRTIO"},
            set(found.traits),
        )
        self.assertFalse([trait for trait in found.traits if "MADE" in trait or "ODD" in trait])
        self.assertEqual((("x86_64", "kvm", "hvm"), ("x86_64", "qemu", "hvm")), found.supported_instances)


class TestLog(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def test_nothing_written_is_nothing(self) -> None:
        self.assertEqual("", console.read_log(self.path, 10))

    def test_only_the_end_is_read(self) -> None:
        (self.path / "console.log").write_bytes(b"0123456789")
        self.assertEqual("6789", console.read_log(self.path, 4))

    def test_what_was_rotated_away_comes_first(self) -> None:
        (self.path / "console.log").write_bytes(b"new")
        (self.path / "console.log.0").write_bytes(b"long old")
        self.assertEqual("oldnew", console.read_log(self.path, 6))

    def test_bytes_that_are_no_text_do_no_harm(self) -> None:
        (self.path / "console.log").write_bytes(b"a\xff\x00b")
        self.assertEqual("a\ufffd\x00b", console.read_log(self.path, 10))
