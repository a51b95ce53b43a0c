# SPDX-License-Identifier: Apache-2.0
"""Whether a host could take a guest that runs elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import libvirt

from minicloud.exception import MigrationPreCheckError
from minicloud.objects import Instance
from minicloud.virt.libvirt.host import errors
from minicloud.virt.libvirt.host.connection import Connection
from minicloud.virt.libvirt.host.facts import KVM, Facts
from minicloud.virt.libvirt.live.papers import Leaving

_UNFIT = (libvirt.VIR_CPU_COMPARE_ERROR, libvirt.VIR_CPU_COMPARE_INCOMPATIBLE)


def machine(leaving: Leaving, facts: Facts, connection: Connection) -> None:
    """The same kind of machine with the same CPU.

    :raises MigrationPreCheckError:
    """
    if leaving.type != facts.type:
        raise MigrationPreCheckError(
            reason=f"a {leaving.type} guest cannot come to a host whose guests are {facts.type}"
        )
    if leaving.version > facts.version:
        raise MigrationPreCheckError(
            reason=f"the hypervisor is of version {facts.version}, older than the source's {leaving.version}"
        )
    known = facts.machines | set(facts.machine_aliases.values())
    if known and leaving.machine not in known:
        raise MigrationPreCheckError(reason=f"the hypervisor has no machine {leaving.machine}")
    # An emulated CPU is whatever the emulator makes.
    if facts.type == KVM and leaving.cpu:
        _cpu(leaving.cpu, facts, connection)


def _cpu(cpu: str, facts: Facts, connection: Connection) -> None:
    try:
        result = connection.call(
            lambda conn: conn.compareHypervisorCPU(facts.emulator or None, facts.arch, None, facts.type, cpu, 0)
        )
    except libvirt.libvirtError as error:
        raise MigrationPreCheckError(reason=f"the CPU cannot be compared: {errors.reason(error)}") from error
    if result in _UNFIT:
        raise MigrationPreCheckError(reason="the CPU of this host lacks what the guest uses")


def disks(instance: Instance, leaving: Leaving, *, shared: bool, block: bool | None, instances: Path) -> bool:
    """
    :param block: as somebody asks; None: as must be
    :returns: whether disks are to be copied
    :raises MigrationPreCheckError:
    """
    if block is False and not shared:
        raise MigrationPreCheckError(
            reason="the disk of the server is not on this host: let both hosts share [libvirt] instances_path, or "
            "ask for block migration"
        )
    if shared:
        if block:
            raise MigrationPreCheckError(reason="both hosts share the server's disk, so that there is nothing to copy")
        return False
    if leaving.is_tunnelled:
        raise MigrationPreCheckError(reason="disks cannot be copied with [libvirt] live_migration_tunnelled")
    used, free = sum(disk.used for disk in leaving.disks), shutil.disk_usage(instances).free
    if used > free:
        raise MigrationPreCheckError(
            reason=f"the disks of server {instance.uuid} take {used >> 20} MiB, and {free >> 20} MiB are free"
        )
    return True
