# SPDX-License-Identifier: Apache-2.0
"""What a flavor asks and what a compute node has, by resource class."""

from __future__ import annotations

import re

from minicloud.db.api.placement import Inventory
from minicloud.objects import ComputeNode, Flavor

VCPU = "VCPU"
MEMORY_MB = "MEMORY_MB"
DISK_GB = "DISK_GB"

_PREFIX = "resources:"


def of_flavor(flavor: Flavor) -> dict[str, int]:
    """Resource class -> amount that a server of this flavor takes; nothing of an amount of 0.

    ``resources:CLASS`` among the extra specs overrides an amount or asks for a further class.
    """
    disk = flavor.root_gb + flavor.ephemeral_gb + -(-flavor.swap // 1024)
    amounts = {VCPU: flavor.vcpus, MEMORY_MB: flavor.memory_mb, DISK_GB: disk}
    for key, value in flavor.extra_specs.items():
        if key.startswith(_PREFIX) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value, re.ASCII):
            amounts[key.removeprefix(_PREFIX)] = int(value)
    return {name: amount for name, amount in amounts.items() if amount > 0}


def of_node(node: ComputeNode) -> dict[str, Inventory]:
    """What a node has to give."""
    has = {
        VCPU: Inventory(node.vcpus, node.reserved_vcpus, node.cpu_allocation_ratio),
        MEMORY_MB: Inventory(node.memory_mb, node.reserved_memory_mb, node.ram_allocation_ratio),
        DISK_GB: Inventory(node.local_gb, node.reserved_gb, node.disk_allocation_ratio),
    }
    return {name: inventory for name, inventory in has.items() if inventory.total > 0}


def shortage(wanted: dict[str, int], has: dict[str, Inventory], used: dict[str, int]) -> str | None:
    """Why the wanted amounts do not fit beside what is used, with the numbers; None when they fit."""
    for name, amount in wanted.items():
        inventory = has.get(name)
        if inventory is None:
            return f"{name}: {amount} asked, none here"
        if amount > inventory.total:
            return f"{name}: {amount} asked, more than the whole host has ({inventory.total})"
        free = inventory.capacity - used.get(name, 0)
        if amount > free:
            return f"{name}: {amount} asked, {max(free, 0)} free of {inventory.capacity}"
    return None
