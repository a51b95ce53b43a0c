# SPDX-License-Identifier: Apache-2.0
"""What a guest uses, from the counters of its control groups and of its interfaces."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minicloud.objects import CpuDiagnostics, Diagnostics, DiskDiagnostics, Instance, NicDiagnostics, Vif
from minicloud.virt.docker.guests import power_of

_MIB = 1 << 20

_NETS = Path("/sys/class/net")

#: Ours -> the kernel's counter at the host's end, where what the guest receives is sent.
_COUNTERS = {
    "rx_octets": "tx_bytes",
    "rx_errors": "tx_errors",
    "rx_drop": "tx_dropped",
    "rx_packets": "tx_packets",
    "tx_octets": "rx_bytes",
    "tx_errors": "rx_errors",
    "tx_drop": "rx_dropped",
    "tx_packets": "rx_packets",
}


def diagnostics(
    instance: Instance, found: dict[str, Any], sample: dict[str, Any], vifs: tuple[Vif, ...]
) -> Diagnostics:
    """
    :param found: what Docker knows of the container
    :param sample: its counters; empty when it does not run
    """
    memory = sample.get("memory_stats", {})
    return Diagnostics(
        state=power_of(found).word,
        driver="docker",
        hypervisor="docker",
        hypervisor_os=str(found.get("Platform") or "linux"),
        uptime=_uptime(found["State"]) if sample else None,
        config_drive=instance.config_drive,
        memory_maximum=found["HostConfig"]["Memory"] // _MIB,
        memory_used=memory["usage"] // _MIB if "usage" in memory else None,
        cpus=_cpus(sample.get("cpu_stats", {}).get("cpu_usage", {}), instance),
        nics=tuple(nic(vif) for vif in vifs if vif.vif_type == "bridge"),
        disks=_disks(sample.get("blkio_stats", {})) if sample else (),
    )


def _cpus(usage: dict[str, Any], instance: Instance) -> tuple[CpuDiagnostics, ...]:
    """A container has no CPUs of its own: its time is told as if shared evenly by those of its flavor."""
    if "total_usage" not in usage:
        return ()
    count = instance.flavor.vcpus
    return tuple(CpuDiagnostics(id=number, time=usage["total_usage"] // count) for number in range(count))


def nic(vif: Vif, nets: Path = _NETS) -> NicDiagnostics:
    return NicDiagnostics(
        mac_address=vif.mac_address,
        **{ours: _counter(nets / vif.devname / "statistics" / theirs) for ours, theirs in _COUNTERS.items()},
    )


def _counter(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _disks(blocks: dict[str, Any]) -> tuple[DiskDiagnostics, ...]:
    """All disks of the host together: a container has a file system, and no disk."""
    return (
        DiskDiagnostics(
            read_bytes=_sum(blocks.get("io_service_bytes_recursive"), "read"),
            read_requests=_sum(blocks.get("io_serviced_recursive"), "read"),
            write_bytes=_sum(blocks.get("io_service_bytes_recursive"), "write"),
            write_requests=_sum(blocks.get("io_serviced_recursive"), "write"),
        ),
    )


def _sum(rows: list[dict[str, Any]] | None, operation: str) -> int:
    return sum(row["value"] for row in rows or () if row["op"].lower() == operation)


def _uptime(state: dict[str, Any]) -> int | None:
    """Docker tells moments to the nanosecond, which is more than Python reads."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", state.get("StartedAt", ""))
    if found is None:
        return None
    began = datetime.fromisoformat(found.group()).replace(tzinfo=UTC)
    return max(0, int((datetime.now(UTC) - began).total_seconds()))
