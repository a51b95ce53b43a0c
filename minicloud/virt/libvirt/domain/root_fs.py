# SPDX-License-Identifier: Apache-2.0
"""A container's file systems: its root disk, or what it is rescued with and the root disk below it."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.storage import root_fs
from minicloud.virt.libvirt.xml.devices import FileSystem
from minicloud.virt.libvirt.xml.domain import Domain

#: Where a container that is rescued has its own disk.
_RESCUED = "/mnt"


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.type != LXC:
        return
    found = {disk.role: str(root_fs.name(plan.instance.uuid, disk.path.name)) for disk in plan.disks}
    if "rescue" in found:
        domain.devices.append(FileSystem(source=found["rescue"]))
        domain.devices.append(FileSystem(source=found["root"], target=_RESCUED))
    elif "root" in found:
        domain.devices.append(FileSystem(source=found["root"]))
