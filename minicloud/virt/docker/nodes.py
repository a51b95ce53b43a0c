# SPDX-License-Identifier: Apache-2.0
"""What this machine has, as its Docker daemon says."""

from __future__ import annotations

import re
import shutil
import uuid
from typing import Any

from minicloud.objects import ComputeNode

#: Namespace of the nodes' ids, so that a host keeps its id when its records are lost.
_NODES = uuid.UUID("b7a6a1d2-9d0c-4d0f-8f3e-5f7d2f6c1a55")

_MIB, _GIB = 1 << 20, 1 << 30


def node(host: str, info: dict[str, Any]) -> ComputeNode:
    """
    :param info: of ``docker info``
    """
    architecture = str(info["Architecture"])
    return ComputeNode(
        uuid=str(uuid.uuid5(_NODES, host)),
        host=host,
        hypervisor_hostname=host,
        hypervisor_type="docker",
        hypervisor_version=version_number(str(info.get("ServerVersion", ""))),
        cpu_info={"arch": architecture, "model": "", "vendor": "", "features": [], "topology": {}},
        vcpus=int(info["NCPU"]),
        memory_mb=int(info["MemTotal"]) // _MIB,
        local_gb=max(1, shutil.disk_usage(info["DockerRootDir"]).total // _GIB),
        supported_instances=((architecture, "docker", "exe"),),
    )


def version_number(version: str) -> int:
    """20.10.24+dfsg1 as hypervisors' versions are counted: 20010024."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    major, minor, micro = (int(part or 0) for part in found.groups()) if found else (0, 0, 1)
    return major * 1_000_000 + minor * 1000 + micro
