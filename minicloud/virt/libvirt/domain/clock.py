# SPDX-License-Identifier: Apache-2.0
"""The guest's clock; Windows wants local time and a few favours of the hypervisor."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import KVM
from minicloud.virt.libvirt.xml.domain import Domain, Timer


def build(plan: Plan, domain: Domain) -> None:
    if not plan.facts.is_machine_emulator:
        return
    is_windows = plan.wishes.text("os_type") == "windows"
    domain.clock = "localtime" if is_windows else "utc"
    domain.timers = [
        Timer(name="pit", tickpolicy="delay"),
        Timer(name="rtc", tickpolicy="catchup"),
        Timer(name="hpet", present=plan.wishes.boolean("hw:time_hpet")),
    ]
    if is_windows and plan.facts.type == KVM:
        domain.timers.append(Timer(name="hypervclock", present=True))
        domain.hyperv_relaxed = domain.hyperv_vapic = domain.hyperv_spinlocks = "on"
        domain.hyperv_retries = 8191
