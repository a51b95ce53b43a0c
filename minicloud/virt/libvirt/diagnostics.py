# SPDX-License-Identifier: Apache-2.0
"""What libvirt counts of a guest."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element  # nosec B405  # a type only

import libvirt

from minicloud.objects import CpuDiagnostics, Diagnostics, DiskDiagnostics, Instance, NicDiagnostics
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host.facts import Facts
from minicloud.virt.libvirt.xml.parse import text_at

_PIDS = Path("/run/libvirt/qemu")


def diagnostics(guest: Guest, instance: Instance, facts: Facts) -> Diagnostics:
    """Of a guest that is off there is little to say."""
    definition = guest.definition(live=True)
    is_active = guest.is_active
    return Diagnostics(
        state=guest.power().word,
        driver="libvirt",
        hypervisor=facts.type,
        hypervisor_os="linux",
        uptime=_uptime(guest) if is_active else None,
        config_drive=instance.config_drive,
        memory_maximum=guest.domain.info()[1] // 1024,
        memory_used=_memory_used(guest) if is_active else None,
        cpus=_cpus(guest, instance) if is_active else (),
        nics=tuple(_nic(guest, node, is_active) for node in definition.findall("devices/interface")),
        disks=tuple(_disk(guest, node, is_active) for node in definition.findall("devices/disk")),
    )


def _memory_used(guest: Guest) -> int | None:
    """MiB, as the guest's balloon driver says; without one, what the guest takes of the host."""
    with suppress(libvirt.libvirtError):
        found = guest.domain.memoryStats()
        if "available" in found and "unused" in found:
            return int(found["available"] - found["unused"]) // 1024
        if "rss" in found:
            return int(found["rss"]) // 1024
    return None


def _cpus(guest: Guest, instance: Instance) -> tuple[CpuDiagnostics, ...]:
    with suppress(libvirt.libvirtError):
        return tuple(CpuDiagnostics(id=cpu[0], time=cpu[2]) for cpu in guest.domain.vcpus()[0])
    return tuple(CpuDiagnostics(id=index) for index in range(instance.flavor.vcpus))


def _nic(guest: Guest, node: Element, is_active: bool) -> NicDiagnostics:
    mac = text_at(node, "mac/@address")
    device = text_at(node, "target/@dev")
    if is_active and device:
        with suppress(libvirt.libvirtError):
            found = guest.domain.interfaceStats(device)
            return NicDiagnostics(
                mac_address=mac,
                rx_octets=found[0],
                rx_packets=found[1],
                rx_errors=found[2],
                rx_drop=found[3],
                tx_octets=found[4],
                tx_packets=found[5],
                tx_errors=found[6],
                tx_drop=found[7],
            )
    return NicDiagnostics(mac_address=mac)


def _disk(guest: Guest, node: Element, is_active: bool) -> DiskDiagnostics:
    if is_active:
        with suppress(libvirt.libvirtError):
            found = guest.domain.blockStats(text_at(node, "target/@dev"))
            return DiskDiagnostics(
                read_requests=found[0],
                read_bytes=found[1],
                write_requests=found[2],
                write_bytes=found[3],
                errors_count=max(0, found[4]),
            )
    return DiskDiagnostics()


def _uptime(guest: Guest) -> int | None:
    """Seconds since QEMU was started: its process's file is as old."""
    with suppress(OSError):
        return int(time.time() - (_PIDS / f"{guest.domain.name()}.pid").stat().st_mtime)
    return None
