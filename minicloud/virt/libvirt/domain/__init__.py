# SPDX-License-Identifier: Apache-2.0
"""What we want a guest to be: one builder for each concern, all in one tuple."""

from __future__ import annotations

from minicloud.virt.libvirt.domain import (
    agent,
    clock,
    console,
    cpu,
    disks,
    extras,
    firmware,
    identity,
    interfaces,
    memory,
    root_fs,
    screen,
    slots,
    tuning,
)
from minicloud.virt.libvirt.domain.plan import Plan, guest_name
from minicloud.virt.libvirt.xml.domain import Domain

#: Each is ``build(plan, domain)`` and adds its part. Devices stand in this order; nothing else depends on it.
BUILDERS = (
    identity.build,
    memory.build,
    cpu.build,
    tuning.build,
    firmware.build,
    clock.build,
    slots.build,
    disks.build,
    root_fs.build,
    interfaces.build,
    console.build,
    agent.build,
    screen.build,
    extras.build,
)


def build(plan: Plan) -> Domain:
    """
    :raises Impossible: when no host could make such a guest
    :raises Lacking: when this host cannot
    """
    plan.wishes.refuse_unknown()
    instance = plan.instance
    domain = Domain(
        type=plan.facts.type,
        name=guest_name(instance.uuid),
        uuid=instance.uuid,
        memory=instance.flavor.memory_mb * 1024,
        vcpus=instance.flavor.vcpus,
    )
    for builder in BUILDERS:
        builder(plan, domain)
    return domain
