# SPDX-License-Identifier: Apache-2.0
"""Small devices: random numbers, watchdog, memory statistics."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.xml.devices import Balloon, Rng, Watchdog
from minicloud.virt.libvirt.xml.domain import Domain

#: What a watchdog does, by its name in OpenStack.
_ACTIONS = {"reset": "reset", "poweroff": "poweroff", "pause": "pause", "none": "none", "disabled": None}

#: Seconds between two looks at the memory.
_STATISTICS = 10


def build(plan: Plan, domain: Domain) -> None:
    if not plan.facts.is_machine_emulator:
        return
    wishes = plan.wishes
    wishes.choice("hw_rng_model", ("virtio",))
    if wishes.boolean("hw_rng:allowed", default=True):
        domain.devices.append(_rng(plan))
    action = _ACTIONS[wishes.choice("hw:watchdog_action", _ACTIONS) or "disabled"]
    if action is not None:
        domain.devices.append(Watchdog(action=action))
    domain.devices.append(Balloon(period=_STATISTICS))


def _rng(plan: Plan) -> Rng:
    amount = plan.wishes.integer("hw_rng:rate_bytes", least=1)
    period = plan.wishes.integer("hw_rng:rate_period", least=1)
    # A period is nothing without an amount.
    return Rng(bytes=amount, period=(period or 1000) if amount is not None else None)
