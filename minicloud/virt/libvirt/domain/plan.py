# SPDX-License-Identifier: Apache-2.0
"""What the builders of a domain are given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicloud.objects import Instance, Vif
from minicloud.virt.libvirt.host.facts import Facts
from minicloud.virt.libvirt.wishes import Impossible, Wishes


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A disk of a guest: a file of this host."""

    #: root, ephemeral, swap, config or rescue
    role: str
    path: Path
    #: raw or qcow2
    format: str
    #: disk, cdrom or floppy
    device: str = "disk"
    #: None: as the image of the guest says.
    bus: str | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a guest is started with when it is not by what is on its disk: files of this host."""

    path: Path
    ramdisk: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A guest as it shall be."""

    instance: Instance
    facts: Facts
    #: The group ``[libvirt]``.
    options: Any
    host: str
    #: Id of the cloud, see :mod:`minicloud.virt.identity`.
    cloud: str
    disks: tuple[DiskFile, ...] = ()
    kernel: Kernel | None = None
    vifs: tuple[Vif, ...] = ()
    #: A TCP port for each serial line.
    serial_ports: tuple[int, ...] = ()
    #: CPUs of the host for this guest alone, one for each of its own; empty: it shares.
    pins: tuple[int, ...] = ()
    folder: Path = Path("/")

    @property
    def wishes(self) -> Wishes:
        return Wishes(self.instance.flavor, self.instance.image_properties)

    @property
    def is_pcie(self) -> bool:
        """Whether the guest's machine is a modern one, without IDE and with few slots."""
        machine = self.machine or ""
        return "q35" in self.facts.machine_aliases.get(machine, machine)

    @property
    def machine(self) -> str | None:
        """The machine by name; None: the hypervisor's default.

        :raises Impossible:
        """
        wish = self.wishes.text("hw_machine_type") or self.options.machine_type or None
        if wish is not None and self.facts.machines and wish not in self.facts.machines:
            known = ", ".join(sorted(self.facts.machine_aliases))
            raise Impossible(f"hw_machine_type={wish} is no machine of this hypervisor; some that are: {known}")
        return wish


def guest_name(uuid: str) -> str:
    """The domain's name."""
    return f"instance-{uuid[:8]}-{uuid[9:13]}"
