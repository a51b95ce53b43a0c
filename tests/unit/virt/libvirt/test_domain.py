# SPDX-License-Identifier: Apache-2.0
"""What becomes of a plan: the whole XML, kept in ``golden``, and what is refused.

``MINICLOUD_WRITE_GOLDEN=1`` writes the files anew; look at the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import testtools

from minicloud.virt.libvirt import domain
from minicloud.virt.libvirt.domain.plan import DiskFile, Kernel, Plan
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.parse import parse, text_at
from tests.unit.virt.libvirt import plans

GOLDEN = Path(__file__).parent / "golden"

CASES: dict[str, Plan] = {
    "plain": plans.plan(vifs=(plans.VIF,), serial_ports=(10000,), disks=(plans.ROOT, plans.CONFIG)),
    "kvm_everything": plans.plan(
        plans.KVM,
        vcpus=8,
        memory_mb=2048,
        vifs=(plans.VIF,),
        serial_ports=(10000, 10001),
        pins=tuple(range(4, 12)),
        disks=(
            DiskFile("root", plans.FOLDER / "disk.raw", "raw"),
            DiskFile("ephemeral", plans.FOLDER / "ephemeral.raw", "raw"),
            DiskFile("swap", plans.FOLDER / "swap.raw", "raw"),
            plans.CONFIG,
        ),
        specs={
            "hw:cpu_policy": "dedicated",
            "hw:cpu_sockets": "2",
            "hw:cpu_threads": "2",
            "hw:mem_page_size": "large",
            "hw:watchdog_action": "reset",
            "hw:boot_menu": "true",
            "hw:pmu": "false",
            "hw_rng:rate_bytes": "4096",
            "hw_rng:rate_period": "500",
            "hw_video:ram_max_mb": "64",
            "quota:cpu_shares": "2048",
            "quota:cpu_quota": "50000",
            "quota:cpu_period": "100000",
            "quota:disk_read_bytes_sec": "1048576",
            "quota:disk_write_iops_sec": "500",
            "quota:vif_inbound_average": "1024",
            "quota:vif_outbound_average": "512",
            "quota:vif_outbound_peak": "1024",
            "hw:serial_port_count": "2",
            "hw:vif_multiqueue_enabled": "true",
        },
        properties={
            "hw_disk_bus": "scsi",
            "hw_machine_type": "q35",
            "hw_firmware_type": "uefi",
            "os_secure_boot": "required",
            "hw_video_model": "virtio",
            "hw_video_ram": "32",
            "hw_qemu_guest_agent": "yes",
            "hw_pointer_model": "usbtablet",
            "img_hide_hypervisor_id": "true",
        },
        options={"pcie_ports": 2, "dedicated_cpus": list(range(4, 12))},
    ),
    "windows": plans.plan(
        plans.KVM,
        properties={"os_type": "windows", "hw_vif_model": "e1000", "hw_disk_bus": "ide", "hw_rng_model": "virtio"},
        specs={"hw_rng:allowed": "false"},
        vifs=(plans.VIF.replace(vif_type="other", bridge=None),),
        options={"vnc": False},
    ),
    "rescue": plans.plan(disks=(DiskFile("rescue", plans.FOLDER / "rescue.qcow2", "qcow2"), plans.ROOT)),
    "stable_rescue": plans.plan(
        disks=(plans.ROOT, DiskFile("rescue", plans.FOLDER / "rescue.raw", "raw", "cdrom", "ide"))
    ),
    "kernel": plans.plan(
        disks=(plans.CONFIG, plans.ROOT),
        kernel=Kernel(plans.FOLDER / "kernel", plans.FOLDER / "ramdisk"),
        properties={"hw_disk_bus": "scsi"},
    ),
    "container": plans.plan(plans.LXC, disks=(plans.CONTAINER_ROOT,), vifs=(plans.VIF,)),
    "rescued_container": plans.plan(
        plans.LXC, disks=(DiskFile("rescue", plans.FOLDER / "rescue.raw", "raw"), plans.CONTAINER_ROOT)
    ),
}


class TestGolden(testtools.TestCase):
    def test_the_whole_xml(self) -> None:
        for name, plan in CASES.items():
            with self.subTest(name):
                xml = str(domain.build(plan))
                path = GOLDEN / f"{name}.xml"
                if os.environ.get("MINICLOUD_WRITE_GOLDEN") == "1":
                    path.write_text(xml)
                self.assertEqual(path.read_text(), xml)

    def test_no_golden_file_is_forgotten(self) -> None:
        self.assertEqual(set(CASES), {path.stem for path in GOLDEN.glob("*.xml")})


#: (facts, extra specs, properties, whether another host may do it)
REFUSED = (
    (plans.QEMU, {"hw:cpu_policy": "exclusive"}, {}, False),
    (plans.QEMU, {"hw:cpu_policy": "dedicated"}, {}, True),
    (plans.QEMU, {"hw:cpu_policy": "mixed"}, {}, False),
    (plans.QEMU, {"hw:cpu_thread_policy": "isolate"}, {}, False),
    (plans.QEMU, {"hw:cpu_sockets": "3"}, {}, False),
    (plans.QEMU, {"hw:cpu_cores": "0"}, {}, False),
    (plans.QEMU, {"hw:cpu_cores": "many"}, {}, False),
    (plans.QEMU, {"hw:mem_page_size": "large"}, {}, True),
    (plans.KVM, {"hw:mem_page_size": "4MB"}, {}, True),
    (plans.KVM, {"hw:mem_page_size": "huge"}, {}, False),
    (plans.KVM, {"hw:mem_page_size": "1GB"}, {}, False),
    (plans.QEMU, {"hw:numa_nodes": "2"}, {}, False),
    (plans.QEMU, {"hw:tpm_version": "2.0"}, {}, False),
    (plans.QEMU, {"hw:watchdog_action": "explode"}, {}, False),
    (plans.QEMU, {"hw_rng:allowed": "perhaps"}, {}, False),
    (plans.QEMU, {"quota:cpu_shares": "1"}, {}, False),
    (plans.QEMU, {"quota:vif_inbound_peak": "5"}, {}, False),
    (plans.QEMU, {"quota:disk_total_iops_sec": "5", "quota:disk_read_iops_sec": "5"}, {}, False),
    (plans.QEMU, {}, {"hw_disk_bus": "floppy"}, False),
    (plans.QEMU, {}, {"hw_disk_bus": "ide", "hw_machine_type": "q35"}, False),
    (plans.QEMU, {}, {"hw_vif_model": "ne1"}, False),
    (plans.QEMU, {}, {"hw_machine_type": "s390"}, False),
    (plans.QEMU, {}, {"hw_video_model": "qxl"}, True),
    (plans.QEMU, {}, {"hw_video_model": "radeon"}, False),
    (plans.QEMU, {}, {"hw_video_ram": "16"}, False),
    (plans.QEMU, {}, {"hw_rng_model": "dice"}, False),
    (plans.QEMU, {}, {"hw_firmware_type": "uefi"}, False),
    (plans.QEMU, {}, {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}, True),
    (plans.QEMU, {}, {"hw_firmware_type": "coreboot"}, False),
    (plans.QEMU, {}, {"os_secure_boot": "required"}, False),
    (plans.QEMU, {}, {"hw_architecture": "aarch64"}, True),
)


class TestRefusals(testtools.TestCase):
    def test_what_cannot_be(self) -> None:
        for facts, specs, properties, elsewhere in REFUSED:
            with self.subTest(specs=specs, properties=properties):
                plan = plans.plan(facts, specs=specs, properties=properties, vifs=(plans.VIF,))
                expected = Lacking if elsewhere else Impossible
                error = self.assertRaises(expected, domain.build, plan)
                self.assertIn(next(iter({**specs, **properties})).split("_")[0], str(error))

    def test_a_ramdisk_without_a_kernel_is_refused(self) -> None:
        self.assertRaises(Impossible, domain.build, plans.plan(instance={"ramdisk_id": "r"}))

    def test_a_kernel_is_told_what_its_image_says(self) -> None:
        found = domain.build(plans.plan(kernel=Kernel(Path("/k")), properties={"os_command_line": "quiet"}))
        self.assertEqual(("/k", None, "quiet"), (found.os_kernel, found.os_ramdisk, found.os_command_line))

    def test_a_special_port_is_refused(self) -> None:
        plan = plans.plan(vifs=(plans.VIF.replace(vnic_type="direct"),))
        self.assertRaises(Impossible, domain.build, plan)

    def test_what_others_understand_is_left_alone(self) -> None:
        specs = {"capabilities:x": "y", "aggregate_instance_extra_specs:ssd": "true", "hw:numa_nodes": "0", "x": "1"}
        domain.build(plans.plan(specs=specs, properties={"owner_specified.x": "y", "img_config_drive": "optional"}))

    def test_the_flavor_comes_before_the_image(self) -> None:
        plan = plans.plan(specs={"hw:watchdog_action": "pause"}, properties={"hw_watchdog_action": "reset"})
        self.assertEqual("pause", text_at(parse(str(domain.build(plan))), "devices/watchdog/@action"))

    def test_serial_lines_are_as_many_as_the_image_says_within_the_flavor(self) -> None:
        for flavor, image, expected in (
            (None, None, 1),
            ("2", None, 2),
            (None, "3", 3),
            ("3", "2", 2),
            ("0", None, 0),
        ):
            specs = {} if flavor is None else {"hw:serial_port_count": flavor}
            properties = {} if image is None else {"hw_serial_port_count": image}
            plan = plans.plan(specs=specs, properties=properties)
            self.assertEqual(expected, domain.console.lines(plan))
        too_many = plans.plan(specs={"hw:serial_port_count": "1"}, properties={"hw_serial_port_count": "2"})
        self.assertRaises(Impossible, domain.console.lines, too_many)


class TestTopology(testtools.TestCase):
    def test_cpus_are_arranged_as_asked(self) -> None:
        for vcpus, specs, expected in (
            (4, {}, (4, 1, 1)),
            (4, {"hw:cpu_max_sockets": "2"}, (2, 2, 1)),
            (4, {"hw:cpu_max_sockets": "1"}, (1, 4, 1)),
            (8, {"hw:cpu_sockets": "2", "hw:cpu_threads": "2"}, (2, 2, 2)),
            (6, {"hw:cpu_cores": "3"}, (2, 3, 1)),
            (7, {"hw:cpu_max_sockets": "1", "hw:cpu_max_cores": "1"}, (1, 1, 7)),
        ):
            found = domain.cpu.topology(plans.plan(vcpus=vcpus, specs=specs))
            self.assertEqual(expected, found, specs)
