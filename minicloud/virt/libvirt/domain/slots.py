# SPDX-License-Identifier: Apache-2.0
"""Where devices are put in: controllers, and free slots for those that come while the guest runs."""

from __future__ import annotations

from minicloud.virt.libvirt.domain import disks
from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.xml.devices import Controller
from minicloud.virt.libvirt.xml.domain import Domain

_SCSI = ("virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "vmpvscsi")


def build(plan: Plan, domain: Domain) -> None:
    if not plan.facts.is_machine_emulator:
        return
    if any(disks.bus(plan, disk) == "scsi" for disk in plan.disks):
        model = plan.wishes.choice("hw_scsi_model", _SCSI) or "virtio-scsi"
        domain.devices.append(Controller(type="scsi", index=0, model=model))
    if plan.is_pcie:
        domain.devices.append(Controller(type="pci", index=0, model="pcie-root"))
        domain.devices += [Controller(type="pci", model="pcie-root-port") for _ in range(plan.options.pcie_ports)]
