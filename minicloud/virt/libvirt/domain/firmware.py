# SPDX-License-Identifier: Apache-2.0
"""What a guest starts with: machine, BIOS or UEFI, boot menu; for a container, its init."""

from __future__ import annotations

from minicloud.virt.libvirt.domain import disks
from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import LXC, QEMU
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.domain import Domain, FirmwareFeature

#: What Linux calls the first serial line, where that is not ttyS0.
_SERIAL_LINES = {"aarch64": "ttyAMA0"}

#: Names of architectures that images use, by libvirt's name.
_SPELLINGS = {"amd64": "x86_64", "i386": "i686", "arm64": "aarch64"}


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.type == LXC:
        domain.os_type = "exe"
        domain.os_init = plan.wishes.text("os_init_path") or "/sbin/init"
        return
    _check_architecture(plan)
    if plan.instance.ramdisk_id and not plan.instance.kernel_id:
        raise Impossible("ramdisk_id: a ramdisk needs a kernel, and the image has no kernel_id")
    if not plan.facts.is_machine_emulator:
        return
    domain.os_arch = plan.facts.arch
    domain.os_machine = plan.machine
    domain.os_boot_menu = True if plan.wishes.boolean("hw:boot_menu") else None
    domain.acpi = domain.apic = True
    domain.vmcoreinfo = "on"
    if plan.wishes.boolean("hide_hypervisor_id", "img_hide_hypervisor_id"):
        domain.kvm_hidden = "on"
    if plan.facts.type == QEMU and plan.options.tcg_cache_mb:
        domain.tcg_cache, domain.tcg_cache_unit = plan.options.tcg_cache_mb, "MiB"
    _choose_firmware(plan, domain)
    if plan.kernel is not None:
        domain.os_kernel = str(plan.kernel.path)
        domain.os_ramdisk = None if plan.kernel.ramdisk is None else str(plan.kernel.ramdisk)
        domain.os_command_line = plan.wishes.text("os_command_line") or _command_line(plan)


def _command_line(plan: Plan) -> str:
    """Where the root file system is, if there is a disk, and who is told what happens."""
    root = next((name for disk, _, name in disks.targets(plan) if disk is disks.first(plan)), None)
    found = [] if root is None else [f"root=/dev/{root}"]
    return " ".join([*found, "console=tty0", f"console={_SERIAL_LINES.get(plan.facts.arch, 'ttyS0')}"])


def _choose_firmware(plan: Plan, domain: Domain) -> None:
    kind = plan.wishes.choice("hw_firmware_type", ("bios", "uefi")) or "bios"
    secure = plan.wishes.choice("os:secure_boot", ("disabled", "optional", "required"), "os_secure_boot")
    if kind == "bios":
        if secure == "required":
            raise Impossible("os_secure_boot=required needs hw_firmware_type=uefi")
        return
    if plan.facts.arch == "x86_64" and not plan.is_pcie:
        raise Impossible("hw_firmware_type=uefi needs hw_machine_type=q35")
    if not plan.facts.has_uefi:
        raise Lacking("hw_firmware_type=uefi: the host has no UEFI firmware (package ovmf)")
    domain.os_firmware = "efi"
    domain.os_nvram = str(plan.folder / "nvram.fd")
    if secure == "required" and not plan.facts.has_secure_boot:
        raise Lacking("os_secure_boot=required: the host's UEFI firmware has no secure boot")
    is_secure = secure == "required" or (secure == "optional" and plan.facts.has_secure_boot)
    # Never left open: libvirt would take one with secure boot, which starts nothing that is not signed.
    domain.os_firmware_features = [FirmwareFeature(enabled=is_secure, name="secure-boot")]
    if is_secure:
        domain.os_firmware_features.append(FirmwareFeature(enabled=True, name="enrolled-keys"))
        domain.smm = "on"


def _check_architecture(plan: Plan) -> None:
    wish = plan.wishes.text("hw_architecture") or plan.wishes.text("architecture")
    if wish is not None and _SPELLINGS.get(wish, wish) not in (plan.facts.arch, "i686"):
        raise Lacking(f"hw_architecture={wish}: this host is {plan.facts.arch}")
