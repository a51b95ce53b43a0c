# SPDX-License-Identifier: Apache-2.0
"""Services and the hosts they run on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minicloud.objects.base import Struct


class Service(Struct, frozen=True, kw_only=True):
    """One running part of the cloud, known by its heartbeat."""

    id: int
    uuid: str
    host: str
    binary: str
    topic: str = ""
    report_count: int = 0
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    last_seen_up: datetime | None = None
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ComputeNode(Struct, frozen=True, kw_only=True):
    """A hypervisor node: what it has and what it can do, as its driver says."""

    uuid: str
    host: str
    hypervisor_hostname: str
    id: int = 0
    service_id: int = 0
    hypervisor_type: str
    hypervisor_version: int = 1
    host_ip: str = "127.0.0.1"
    cpu_info: dict[str, Any] = {}
    vcpus: int
    memory_mb: int
    local_gb: int
    reserved_vcpus: int = 0
    reserved_memory_mb: int = 0
    reserved_gb: int = 0
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    disk_allocation_ratio: float = 1.0
    #: (architecture, hypervisor type, vm mode) triples
    supported_instances: tuple[tuple[str, str, str], ...] = ()
    traits: tuple[str, ...] = ()
    #: Further capabilities that extra specs may ask for.
    stats: dict[str, str] = {}
    uptime: str | None = None
    #: Builds that failed in a row, for the weigher.
    failed_builds: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


class CellMapping(Struct, frozen=True, kw_only=True):
    """Where a cell is."""

    uuid: str
    name: str
    transport_url: str
    database_url: str
    disabled: bool = False
    id: int = 0

    @property
    def is_cell0(self) -> bool:
        return self.uuid == CELL0_UUID


CELL0_UUID = "00000000-0000-0000-0000-000000000000"


class Aggregate(Struct, frozen=True, kw_only=True):
    id: int
    uuid: str
    name: str
    hosts: tuple[str, ...] = ()
    #: ``availability_zone`` among them makes a zone of it.
    metadata: dict[str, str] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def availability_zone(self) -> str | None:
        return self.metadata.get("availability_zone")


class ServerGroup(Struct, frozen=True, kw_only=True):
    uuid: str
    name: str
    project_id: str
    user_id: str
    #: affinity, anti-affinity, soft-affinity, soft-anti-affinity
    policy: str
    rules: dict[str, int] = {}
    members: tuple[str, ...] = ()


class Keypair(Struct, frozen=True, kw_only=True):
    id: int = 0
    user_id: str
    name: str
    type: str = "ssh"
    fingerprint: str
    public_key: str
    created_at: datetime | None = None
