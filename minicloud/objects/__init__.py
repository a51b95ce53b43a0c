# SPDX-License-Identifier: Apache-2.0
"""What travels between the parts: frozen typed structs, one module per subject."""

from minicloud.objects.base import Struct, from_builtins, to_builtins
from minicloud.objects.console import ConsoleToken
from minicloud.objects.flavor import Flavor
from minicloud.objects.guest import ConsoleAddress, CpuDiagnostics, Diagnostics, DiskDiagnostics, NicDiagnostics
from minicloud.objects.image import Image
from minicloud.objects.instance import ActionEvent, Fault, Instance, InstanceAction, InstanceUpdate
from minicloud.objects.live_migration import MigrationProgress, MigrationSource, MigrationTarget
from minicloud.objects.migration import Migration
from minicloud.objects.network import (
    FixedIp,
    NetworkRequest,
    PortOwner,
    ResolvedNetworks,
    ResourceEvent,
    SecurityGroup,
    SecurityGroupRule,
    Vif,
)
from minicloud.objects.scheduling import BuildRequest, Decision, HostChoice, HostReason, RequestSpec
from minicloud.objects.service import (
    CELL0_UUID,
    Aggregate,
    CellMapping,
    ComputeNode,
    Keypair,
    ServerGroup,
    Service,
)

__all__ = [
    "CELL0_UUID",
    "ActionEvent",
    "Aggregate",
    "BuildRequest",
    "CellMapping",
    "ComputeNode",
    "ConsoleAddress",
    "ConsoleToken",
    "CpuDiagnostics",
    "Decision",
    "Diagnostics",
    "DiskDiagnostics",
    "Fault",
    "FixedIp",
    "Flavor",
    "HostChoice",
    "HostReason",
    "Image",
    "Instance",
    "InstanceAction",
    "InstanceUpdate",
    "Keypair",
    "Migration",
    "MigrationProgress",
    "MigrationSource",
    "MigrationTarget",
    "NetworkRequest",
    "NicDiagnostics",
    "RequestSpec",
    "PortOwner",
    "ResolvedNetworks",
    "ResourceEvent",
    "SecurityGroup",
    "SecurityGroupRule",
    "ServerGroup",
    "Service",
    "Struct",
    "Vif",
    "from_builtins",
    "to_builtins",
]
