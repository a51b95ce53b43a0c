# SPDX-License-Identifier: Apache-2.0
"""A container's root file system, which is its root disk."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.xml.devices import FileSystem
from minicloud.virt.libvirt.xml.domain import Domain


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.type != LXC:
        return
    for disk in plan.disks:
        if disk.role == "root":
            domain.devices.append(FileSystem(source=str(disk.path)))
