# SPDX-License-Identifier: Apache-2.0
"""A domain: everything about a guest but its devices. https://libvirt.org/formatdomain.html"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405  # only written here
from dataclasses import dataclass

from minicloud.virt.libvirt.xml.element import Element, at

#: The mark by which we know our guests; domains without it are never touched.
NAMESPACE = "urn:minicloud:guest:1"

ET.register_namespace("minicloud", NAMESPACE)


@dataclass(kw_only=True)
class Mark(Element):
    """Whose guest it is."""

    TAG = f"{{{NAMESPACE}}}guest"

    host: str = at("@host")
    cloud: str = at("@cloud")
    project: str = at(f"{{{NAMESPACE}}}owner/@project")
    user: str = at(f"{{{NAMESPACE}}}owner/@user")
    server: str = at(f"{{{NAMESPACE}}}server/@name")
    flavor: str = at(f"{{{NAMESPACE}}}flavor/@name")


@dataclass(kw_only=True)
class Entry(Element):
    """A fact of the firmware's tables."""

    TAG = "entry"

    name: str = at("@name")
    value: str = at(".")


@dataclass(kw_only=True)
class Timer(Element):
    TAG = "timer"

    name: str = at("@name")
    tickpolicy: str | None = at("@tickpolicy")
    present: bool | None = at("@present")


@dataclass(kw_only=True)
class Page(Element):
    """A size of huge pages, in KiB."""

    TAG = "page"

    size: int = at("@size")
    unit: str = at("@unit", "KiB")


@dataclass(kw_only=True)
class VcpuPin(Element):
    TAG = "vcpupin"

    vcpu: int = at("@vcpu")
    cpuset: str = at("@cpuset")


@dataclass(kw_only=True)
class FirmwareFeature(Element):
    """What a firmware must have, or must not, of those that libvirt chooses from."""

    TAG = "feature"

    enabled: bool = at("@enabled")
    name: str = at("@name")


@dataclass(kw_only=True)
class Cpu(Element):
    TAG = "cpu"

    mode: str | None = at("@mode")
    match: str | None = at("@match")
    model: str | None = at("model")
    sockets: int | None = at("topology/@sockets")
    dies: int | None = at("topology/@dies")
    cores: int | None = at("topology/@cores")
    threads: int | None = at("topology/@threads")


@dataclass(kw_only=True)
class Domain(Element):
    """A guest. Sizes are in KiB, unless they say otherwise."""

    TAG = "domain"

    type: str = at("@type")
    name: str = at("name")
    uuid: str = at("uuid")
    mark: Mark | None = at("metadata")
    memory: int = at("memory")
    huge_pages: list[Page] = at("memoryBacking/hugepages", [])
    vcpus: int = at("vcpu")

    cpu_shares: int | None = at("cputune/shares")
    cpu_period: int | None = at("cputune/period")
    cpu_quota: int | None = at("cputune/quota")
    vcpu_pins: list[VcpuPin] = at("cputune", [])

    sysinfo_type: str | None = at("sysinfo/@type")
    system: list[Entry] = at("sysinfo/system", [])

    os_firmware: str | None = at("os/@firmware")
    os_arch: str | None = at("os/type/@arch")
    os_machine: str | None = at("os/type/@machine")
    os_type: str = at("os/type", "hvm")
    os_init: str | None = at("os/init")
    os_firmware_features: list[FirmwareFeature] = at("os/firmware", [])
    os_nvram: str | None = at("os/nvram")
    os_kernel: str | None = at("os/kernel")
    os_ramdisk: str | None = at("os/initrd")
    os_command_line: str | None = at("os/cmdline")
    os_smbios: str | None = at("os/smbios/@mode")
    os_boot_menu: bool | None = at("os/bootmenu/@enable")

    acpi: bool = at("features/acpi", False)
    apic: bool = at("features/apic", False)
    vmcoreinfo: str | None = at("features/vmcoreinfo/@state")
    pmu: str | None = at("features/pmu/@state")
    smm: str | None = at("features/smm/@state")
    kvm_hidden: str | None = at("features/kvm/hidden/@state")
    hyperv_relaxed: str | None = at("features/hyperv/relaxed/@state")
    hyperv_vapic: str | None = at("features/hyperv/vapic/@state")
    hyperv_spinlocks: str | None = at("features/hyperv/spinlocks/@state")
    hyperv_retries: int | None = at("features/hyperv/spinlocks/@retries")
    tcg_cache: int | None = at("features/tcg/tb-cache")
    tcg_cache_unit: str | None = at("features/tcg/tb-cache/@unit")

    cpu: Cpu | None = at("")

    clock: str = at("clock/@offset", "utc")
    timers: list[Timer] = at("clock", [])

    on_poweroff: str = at("on_poweroff", "destroy")
    on_reboot: str = at("on_reboot", "restart")
    on_crash: str = at("on_crash", "destroy")

    devices: list[Element] = at("devices", [])
