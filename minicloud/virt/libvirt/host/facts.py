# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor can do, as far as guests' definitions depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405  # see xml.parse

import libvirt

from minicloud.virt.libvirt.xml.parse import parse, text_at

#: Type of a domain by ``virt_type``; libvirt's test driver has one of its own.
KVM, QEMU, LXC, TEST = "kvm", "qemu", "lxc", "test"


@dataclass(frozen=True, slots=True)
class Facts:
    """One host's."""

    #: The type of its domains: kvm, qemu, lxc or test.
    type: str
    arch: str = "x86_64"
    #: Machines by every name; empty: unknown.
    machines: frozenset[str] = frozenset()
    #: What each short name stands for, such as pc: pc-i440fx-7.2.
    machine_aliases: Mapping[str, str] = field(default_factory=dict)
    has_uefi: bool = False
    has_secure_boot: bool = False
    #: Models of screens; empty: unknown.
    video_models: frozenset[str] = frozenset()
    disk_buses: frozenset[str] = frozenset()
    cpu_models: frozenset[str] = frozenset()
    cpu_modes: frozenset[str] = frozenset()
    #: Features of the CPU that guests can get.
    cpu_features: frozenset[str] = frozenset()
    cpu_model: str = ""
    cpu_vendor: str = ""
    #: Sizes of huge pages in KiB of which the host has any.
    huge_pages: tuple[int, ...] = ()
    cpus: int = 1
    #: MiB
    memory: int = 0
    topology: tuple[int, int, int] = (1, 1, 1)
    version: int = 1
    emulator: str = ""

    @property
    def is_machine_emulator(self) -> bool:
        return self.type in (KVM, QEMU)


def of(conn: libvirt.virConnect, domain_type: str) -> Facts:
    """What a connection tells."""
    capabilities = parse(conn.getCapabilities())
    arch = text_at(capabilities, "host/cpu/arch", "x86_64")
    info = conn.getInfo()
    machines = _machines(capabilities, arch)
    # Of the test driver's made-up host, the machine below is what is told.
    return Facts(
        type=domain_type,
        arch=arch,
        cpus=info[2],
        memory=info[1],
        topology=(max(1, info[4] * info[5]), max(1, info[6]), max(1, info[7])),
        version=conn.getVersion(),
        cpu_vendor=text_at(capabilities, "host/cpu/vendor"),
        huge_pages=_huge_pages() if domain_type in (KVM, QEMU) else (),
        **machines,
        **_domain(conn, arch, domain_type),
        **_firmware(conn, arch, domain_type, "q35" if "q35" in machines["machines"] else None),
    )


def _machines(capabilities: Any, arch: str) -> dict[str, Any]:
    aliases: dict[str, str] = {}
    names: set[str] = set()
    for machine in capabilities.findall(f"guest/arch[@name='{arch}']/machine"):
        name = machine.text or ""
        names.add(name)
        if canonical := machine.get("canonical"):
            aliases[name] = canonical
    return {"machines": frozenset(names), "machine_aliases": aliases}


def _domain(conn: libvirt.virConnect, arch: str, domain_type: str) -> dict[str, Any]:
    if domain_type not in (KVM, QEMU):
        return {}
    found = parse(conn.getDomainCapabilities(None, arch, None, domain_type))

    values = partial(_values, found)
    model = found.find("cpu/mode[@name='host-model']")
    features = [] if model is None else model.findall("feature[@policy='require']")
    return {
        "emulator": text_at(found, "path"),
        "video_models": values("devices/video/enum[@name='modelType']"),
        "disk_buses": values("devices/disk/enum[@name='bus']"),
        "cpu_models": frozenset(node.text or "" for node in found.findall("cpu/mode[@name='custom']/model")),
        "cpu_modes": frozenset(node.get("name", "") for node in found.findall("cpu/mode[@supported='yes']")),
        "cpu_features": frozenset(node.get("name", "") for node in features),
        "cpu_model": "" if model is None else text_at(model, "model"),
    }


def _firmware(conn: libvirt.virConnect, arch: str, domain_type: str, machine: str | None) -> dict[str, Any]:
    """
    :param machine: the one that has all there is; the default one may have no secure boot
    """
    if domain_type not in (KVM, QEMU):
        return {}
    found = parse(conn.getDomainCapabilities(None, arch, machine, domain_type))
    return {
        "has_uefi": "efi" in _values(found, "os/enum[@name='firmware']"),
        "has_secure_boot": "yes" in _values(found, "os/loader/enum[@name='secure']"),
    }


def _values(found: Element, path: str) -> frozenset[str]:
    return frozenset(value.text or "" for value in found.findall(f"{path}/value"))


def _huge_pages() -> tuple[int, ...]:
    """From the kernel: libvirt knows the sizes, but not whether there are any."""
    found = []
    for folder in Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB"):
        if int((folder / "nr_hugepages").read_text()) > 0:
            found.append(int(folder.name.removeprefix("hugepages-").removesuffix("kB")))
    return tuple(sorted(found))
