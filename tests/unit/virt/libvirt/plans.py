# SPDX-License-Identifier: Apache-2.0
"""Guests of made-up hosts, for tests of what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minicloud import conf
from minicloud.objects import Flavor, Instance, Vif
from minicloud.virt.libvirt.domain.plan import DiskFile, Plan
from minicloud.virt.libvirt.host.facts import Facts

UUID = "6f8a4c7e-93f2-4d5a-8c34-0b1f6c3f2f11"
FOLDER = Path("/instances") / UUID

QEMU = Facts(
    type="qemu",
    machines=frozenset({"pc", "pc-i440fx-7.2", "q35", "pc-q35-7.2"}),
    machine_aliases={"pc": "pc-i440fx-7.2", "q35": "pc-q35-7.2"},
    video_models=frozenset({"vga", "cirrus", "virtio", "bochs", "none"}),
    disk_buses=frozenset({"ide", "fdc", "scsi", "virtio", "usb", "sata"}),
    cpu_models=frozenset({"Nehalem", "qemu64", "Westmere"}),
    cpu_modes=frozenset({"custom", "host-model", "maximum"}),
)
KVM = Facts(
    type="kvm",
    machines=QEMU.machines,
    machine_aliases=QEMU.machine_aliases,
    has_uefi=True,
    has_secure_boot=True,
    huge_pages=(2048, 1048576),
)
LXC = Facts(type="lxc")

ROOT = DiskFile("root", FOLDER / "disk.qcow2", "qcow2")
CONTAINER_ROOT = DiskFile("root", FOLDER / "disk.raw", "raw")
CONFIG = DiskFile("config", FOLDER / "config.iso", "raw", "cdrom")

VIF = Vif(
    port_id="0b6e1d0a-7c1c-4b52-8f5e-3a9a4b0e9d21",
    network_id="n",
    network_name="private",
    mac_address="fa:16:3e:00:00:01",
    mtu=1450,
    vif_type="bridge",
    bridge="brq0b6e1d0a",
)


def plan(
    facts: Facts = QEMU,
    *,
    specs: dict[str, str] | None = None,
    properties: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    vcpus: int = 1,
    memory_mb: int = 128,
    instance: dict[str, Any] | None = None,
    **more: Any,
) -> Plan:
    """
    :param specs: extra specs of the flavor
    :param properties: of the image
    :param options: of the group ``[libvirt]``
    :param instance: further fields of it
    :param more: fields of the plan
    """
    settings = conf.new(files=[])
    for name, value in (options or {}).items():
        settings.set_override(name, value, group="libvirt")
    flavor = Flavor(flavorid="1", name="m1.nano", vcpus=vcpus, memory_mb=memory_mb, root_gb=1, extra_specs=specs or {})
    record = Instance(
        uuid=UUID,
        project_id="project",
        user_id="user",
        display_name="web <1>",
        vm_state="building",
        flavor=flavor,
        image_properties=properties or {},
        **(instance or {}),
    )
    given = {
        "instance": record,
        "facts": facts,
        "options": settings.libvirt,
        "host": "h1",
        "cloud": "c1",
        "disks": (ROOT,),
        "folder": FOLDER,
    }
    return Plan(**{**given, **more})
