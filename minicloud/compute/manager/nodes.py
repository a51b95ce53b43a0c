# SPDX-License-Identifier: Apache-2.0
"""What a host reports of itself: its nodes, with their capacity, and how its builds fare."""

from __future__ import annotations

import os
import time
from pathlib import Path

from oslo_log import log as logging

from minicloud.compute.host import Host
from minicloud.context import RequestContext
from minicloud.objects import ComputeNode

LOG = logging.getLogger(__name__)

#: Fields that differ between two reports without anything having changed.
_NOISE = {"id": 0, "uuid": "", "service_id": 0, "uptime": None, "created_at": None, "updated_at": None}


class Inventory:
    """What was reported last, so that the scheduler hears only of changes."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._reported: dict[str, ComputeNode] = {}

    def update(self, ctxt: RequestContext) -> None:
        """Look at what the hypervisor has and record it."""
        for found in self._host.driver.nodes():
            node = _described(self._host, found)
            saved = self._host.conductor.save_compute_node(ctxt, node)
            seen = node.replace(**_NOISE)
            if self._reported.get(node.hypervisor_hostname) != seen:
                self._host.scheduler.compute_node_changed(ctxt, saved)
                self._reported[node.hypervisor_hostname] = seen


def build_ended(host: Host, ctxt: RequestContext, *, succeeded: bool) -> None:
    """Count failed builds in a row, and record when that number changes."""
    before = host.health.failed_builds
    host.health.failed_builds = 0 if succeeded else before + 1
    if host.health.failed_builds == before:
        return
    for node in host.driver.nodes():
        host.conductor.save_compute_node(ctxt, _described(host, node))


def _described(host: Host, node: ComputeNode) -> ComputeNode:
    options = host.conf.compute
    return node.replace(
        host=host.name,
        reserved_vcpus=options.reserved_vcpus,
        reserved_memory_mb=options.reserved_memory_mb,
        reserved_gb=options.reserved_gb,
        cpu_allocation_ratio=options.cpu_allocation_ratio,
        ram_allocation_ratio=options.ram_allocation_ratio,
        disk_allocation_ratio=options.disk_allocation_ratio,
        failed_builds=host.health.failed_builds,
        uptime=node.uptime or machine_uptime(),
    )


def machine_uptime() -> str | None:
    """How long this machine runs and what it has to do, worded as uptime(1) does; None where it is not known."""
    try:
        seconds = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return None
    days, rest = divmod(int(seconds), 86400)
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{time.strftime('%H:%M:%S')} up {days} days, {rest // 3600:2}:{rest // 60 % 60:02},  load average: {load}"
