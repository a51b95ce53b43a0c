# SPDX-License-Identifier: Apache-2.0
"""What the two hosts of a live migration tell each other, and how far it is."""

from __future__ import annotations

from minicloud.objects.base import Struct


class MigrationSource(Struct, frozen=True, kw_only=True):
    """What a destination must know of a guest; only drivers of one kind understand each other's."""

    driver: str
    #: Such as the guest's CPU model, or the sizes of its disks.
    data: dict[str, str] = {}


class MigrationTarget(Struct, frozen=True, kw_only=True):
    """Where a source sends a guest, as the destination has prepared it."""

    #: Address or URI of the destination's hypervisor, as seen from other hosts.
    address: str = ""
    #: Such as where its consoles listen there.
    data: dict[str, str] = {}


class MigrationProgress(Struct, frozen=True, kw_only=True):
    """Bytes, of memory and of disks that are copied."""

    memory_total: int = 0
    memory_processed: int = 0
    memory_remaining: int = 0
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0

    @property
    def percent(self) -> int:
        total = self.memory_total + self.disk_total
        return 0 if not total else 100 - 100 * min(total, self.memory_remaining + self.disk_remaining) // total
