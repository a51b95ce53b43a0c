# SPDX-License-Identifier: Apache-2.0
"""What a host offers: CPUs, memory, disk, and the traits by which it is chosen."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import os_traits

from minicloud.objects import ComputeNode
from minicloud.virt.libvirt.domain import interfaces
from minicloud.virt.libvirt.host.facts import Facts

#: Namespace of the nodes' ids, so that a host keeps its id when its records are lost.
_NODES = uuid.UUID("0d3f0e6e-6d0d-4e55-9f0f-3c5a0a6f7b52")

#: What the host is called among (architecture, hypervisor, mode), by the type of its domains.
_KINDS = {"kvm": ("kvm", "qemu"), "qemu": ("qemu",), "lxc": ("lxc",), "test": ("qemu",)}


def node(host: str, facts: Facts, instances: Path) -> ComputeNode:
    sockets, cores, threads = facts.topology
    mode = "exe" if facts.type == "lxc" else "hvm"
    return ComputeNode(
        uuid=str(uuid.uuid5(_NODES, host)),
        host=host,
        hypervisor_hostname=host,
        hypervisor_type="LXC" if facts.type == "lxc" else "QEMU",
        hypervisor_version=facts.version,
        cpu_info={
            "arch": facts.arch,
            "model": facts.cpu_model,
            "vendor": facts.cpu_vendor,
            "features": sorted(facts.cpu_features),
            "topology": {"sockets": sockets, "cores": cores, "threads": threads},
        },
        vcpus=facts.cpus,
        memory_mb=facts.memory,
        local_gb=max(1, shutil.disk_usage(instances).total // 1024**3),
        supported_instances=tuple((facts.arch, kind, mode) for kind in _KINDS[facts.type]),
        traits=tuple(sorted(_traits(facts))),
    )


def _traits(facts: Facts) -> set[str]:
    """Of the traits that OpenStack knows, those that are true here."""
    wanted = {f"HW_CPU_X86_{_spelled(feature)}" for feature in facts.cpu_features}
    if facts.is_machine_emulator:
        wanted |= {f"COMPUTE_GRAPHICS_MODEL_{_spelled(model)}" for model in facts.video_models}
        wanted |= {f"COMPUTE_STORAGE_BUS_{_spelled(bus)}" for bus in facts.disk_buses}
        wanted |= {f"COMPUTE_NET_VIF_MODEL_{_spelled(model)}" for model in interfaces.MODELS}
        wanted |= {f"COMPUTE_IMAGE_TYPE_{kind}" for kind in ("RAW", "QCOW2", "VMDK", "VDI", "VHD", "VHDX")}
    if facts.has_uefi:
        wanted.add("COMPUTE_SECURITY_UEFI_SECURE_BOOT" if facts.has_secure_boot else "")
    return wanted & set(os_traits.get_traits())


def _spelled(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "")
