# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor says of a running guest."""

from __future__ import annotations

from minicloud.objects.base import Struct


class ConsoleAddress(Struct, frozen=True, kw_only=True):
    """Where a guest's console listens, as seen from a console proxy."""

    host: str
    port: int
    #: Of a serial line that is a WebSocket or a plain TCP connection: "tcp"; a screen: "vnc".
    protocol: str = "tcp"


class NicDiagnostics(Struct, frozen=True, kw_only=True):
    mac_address: str
    rx_octets: int | None = None
    rx_errors: int | None = None
    rx_drop: int | None = None
    rx_packets: int | None = None
    tx_octets: int | None = None
    tx_errors: int | None = None
    tx_drop: int | None = None
    tx_packets: int | None = None


class DiskDiagnostics(Struct, frozen=True, kw_only=True):
    read_bytes: int | None = None
    read_requests: int | None = None
    write_bytes: int | None = None
    write_requests: int | None = None
    errors_count: int | None = None


class CpuDiagnostics(Struct, frozen=True, kw_only=True):
    id: int | None = None
    #: Nanoseconds.
    time: int | None = None
    #: Percent.
    utilisation: int | None = None


class Diagnostics(Struct, frozen=True, kw_only=True):
    """``GET /servers/{id}/diagnostics`` from microversion 2.48 on; memory in MiB, uptime in seconds."""

    state: str
    driver: str
    hypervisor: str | None = None
    hypervisor_os: str | None = None
    uptime: int | None = None
    config_drive: bool = False
    memory_maximum: int | None = None
    memory_used: int | None = None
    cpus: tuple[CpuDiagnostics, ...] = ()
    nics: tuple[NicDiagnostics, ...] = ()
    disks: tuple[DiskDiagnostics, ...] = ()
