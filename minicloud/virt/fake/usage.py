# SPDX-License-Identifier: Apache-2.0
"""What a fake guest uses: figures that follow from its size and from how long it runs."""

from __future__ import annotations

import time

from minicloud.objects import CpuDiagnostics, Diagnostics, DiskDiagnostics, Instance, NicDiagnostics
from minicloud.states import Power
from minicloud.virt.fake.store import Guest

#: An idle Linux: share of a CPU, and bytes and operations a second on each disk and interface.
_LOAD = 0.02
_OCTETS, _PACKETS = 120, 2
_BYTES_READ, _BYTES_WRITTEN, _REQUESTS = 4096, 1024, 1
_BYTES_OF_BOOT = 32 << 20


def of(guest: Guest, instance: Instance) -> Diagnostics:
    """Who is off counts nothing."""
    runs = guest.power in (Power.RUNNING, Power.PAUSED)
    seconds = max(0.0, time.time() - guest.booted_at) if runs else 0.0
    return Diagnostics(
        state=Power(guest.power).word,
        # The API knows five drivers and this is none of them; Nova's own fake answers so too.
        driver="libvirt",
        hypervisor="fake",
        hypervisor_os="minicloud",
        uptime=int(seconds),
        config_drive=instance.config_drive,
        memory_maximum=guest.memory_mb,
        memory_used=guest.memory_mb // 4 if runs else 0,
        cpus=tuple(
            CpuDiagnostics(id=number, time=int(seconds * _LOAD * 1e9), utilisation=int(_LOAD * 100) if runs else 0)
            for number in range(guest.vcpus)
        ),
        nics=tuple(_nic(mac, int(seconds)) for mac in guest.macs),
        disks=(_disk(int(seconds), runs),),
    )


def _nic(mac: str, seconds: int) -> NicDiagnostics:
    octets, packets = seconds * _OCTETS, seconds * _PACKETS
    return NicDiagnostics(
        mac_address=mac,
        rx_octets=octets,
        rx_errors=0,
        rx_drop=0,
        rx_packets=packets,
        tx_octets=octets,
        tx_errors=0,
        tx_drop=0,
        tx_packets=packets,
    )


def _disk(seconds: int, runs: bool) -> DiskDiagnostics:
    booted = _BYTES_OF_BOOT if runs else 0
    return DiskDiagnostics(
        read_bytes=booted + seconds * _BYTES_READ,
        read_requests=booted // 4096 + seconds * _REQUESTS,
        write_bytes=seconds * _BYTES_WRITTEN,
        write_requests=seconds * _REQUESTS,
        errors_count=0,
    )
