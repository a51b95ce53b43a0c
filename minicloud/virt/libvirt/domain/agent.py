# SPDX-License-Identifier: Apache-2.0
"""A line to the agent in the guest, for images that say they have one."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.xml.devices import Channel
from minicloud.virt.libvirt.xml.domain import Domain

NAME = "org.qemu.guest_agent.0"


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.is_machine_emulator and plan.wishes.boolean("hw_qemu_guest_agent"):
        domain.devices.append(Channel(name=NAME))
