# SPDX-License-Identifier: Apache-2.0
"""Limits on the host's CPUs (``quota:cpu_*``). Those of disks and interfaces are with their builders."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.xml.domain import Domain


def build(plan: Plan, domain: Domain) -> None:
    wishes = plan.wishes
    # The bounds are the kernel's.
    domain.cpu_shares = wishes.integer("quota:cpu_shares", least=2, most=262144)
    domain.cpu_period = wishes.integer("quota:cpu_period", least=1000, most=1_000_000)
    domain.cpu_quota = wishes.integer("quota:cpu_quota", least=1000, most=17_592_186_044_415)
