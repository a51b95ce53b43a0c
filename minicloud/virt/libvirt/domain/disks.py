# SPDX-License-Identifier: Apache-2.0
"""Disks: on which bus, by which name, in which order a guest boots from them."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import DiskFile, Plan
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.disk import Disk, Tune
from minicloud.virt.libvirt.xml.domain import Domain

#: First letters of the names on each bus.
_PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "fdc": "fd"}

_TUNE = (
    "total_bytes_sec",
    "read_bytes_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "read_iops_sec",
    "write_iops_sec",
)


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.type == LXC:
        return
    boots_from = first(plan)
    for disk, on, target in targets(plan):
        domain.devices.append(
            Disk(
                device=disk.device,
                format=disk.format,
                # Unwritten data of a host that crashes is lost as on a real disk, and only with the guest's consent.
                cache=None if disk.device == "cdrom" else "writeback",
                discard=None if disk.device == "cdrom" else "unmap",
                file=str(disk.path),
                target=target,
                bus=on,
                tune=None if disk.device == "cdrom" else _tune(plan),
                readonly=disk.device == "cdrom",
                boot_order=_boot_order(disk, boots_from),
            )
        )


def targets(plan: Plan) -> list[tuple[DiskFile, str, str]]:
    """(disk, bus, name), in the order in which the guest sees them.

    :raises Impossible, Lacking:
    """
    taken: set[str] = set()
    found = []
    for disk in plan.disks:
        on = bus(plan, disk)
        found.append((disk, on, _name(on, taken)))
    return found


def bus(plan: Plan, disk: DiskFile) -> str:
    """
    :raises Impossible:
    :raises Lacking:
    """
    if disk.device == "floppy":
        return "fdc"
    if disk.bus is not None:
        wish: str | None = disk.bus
    elif disk.device == "cdrom":
        wish = plan.wishes.choice("hw_cdrom_bus", ("ide", "sata", "scsi", "usb"))
    else:
        wish = plan.wishes.choice("hw_disk_bus", tuple(_PREFIXES))
    if wish is None:
        wish = _default_bus(plan, disk)
    if wish == "ide" and plan.is_pcie:
        raise Impossible(f"hw_disk_bus={wish}: a machine of type q35 has no IDE")
    if plan.facts.disk_buses and wish not in plan.facts.disk_buses:
        raise Lacking(f"hw_disk_bus={wish} is nothing that this hypervisor has")
    return wish


def _default_bus(plan: Plan, disk: DiskFile) -> str:
    if disk.device != "cdrom":
        return "virtio"
    return "sata" if plan.is_pcie or plan.facts.arch != "x86_64" else "ide"


def _name(on: str, taken: set[str]) -> str:
    letters = (chr(ord("a") + index) for index in range(26))
    name = next(name for name in (_PREFIXES[on] + letter for letter in letters) if name not in taken)
    taken.add(name)
    return name


def first(plan: Plan) -> DiskFile | None:
    """What the guest boots from: what it is rescued with, or its own disk."""
    for role in ("rescue", "root"):
        for disk in plan.disks:
            if disk.role == role:
                return disk
    return None


def _boot_order(disk: DiskFile, boots_from: DiskFile | None) -> int | None:
    if disk is boots_from and disk.device != "floppy":
        return 1
    return 2 if disk.role == "root" else None


def _tune(plan: Plan) -> Tune | None:
    limits = {name: plan.wishes.integer(f"quota:disk_{name}") for name in _TUNE}
    for unit in ("bytes", "iops"):
        total = limits[f"total_{unit}_sec"]
        if total and (limits[f"read_{unit}_sec"] or limits[f"write_{unit}_sec"]):
            raise Impossible(f"quota:disk_total_{unit}_sec excludes limits of reads and of writes alone")
    return Tune(**limits) if any(limits.values()) else None
