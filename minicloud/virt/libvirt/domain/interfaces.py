# SPDX-License-Identifier: Apache-2.0
"""Network interfaces: those of a bridge, and those that lead nowhere."""

from __future__ import annotations

from typing import Any

from minicloud.objects import Vif
from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import LXC, TEST
from minicloud.virt.libvirt.wishes import Impossible
from minicloud.virt.libvirt.xml.domain import Domain
from minicloud.virt.libvirt.xml.interface import Interface

MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3")

_LIMITS = tuple(f"{way}_{what}" for way in ("inbound", "outbound") for what in ("average", "peak", "burst"))


def build(plan: Plan, domain: Domain) -> None:
    domain.devices += [interface(plan, vif) for vif in plan.vifs]


def interface(plan: Plan, vif: Vif) -> Interface:
    """:raises Impossible: when it cannot be plugged in"""
    model = plan.wishes.choice("hw_vif_model", MODELS) or "virtio"
    if vif.vnic_type != "normal":
        raise Impossible(f"port {vif.port_id}: vnic_type {vif.vnic_type} is nothing that the libvirt driver does")
    is_bridged = vif.vif_type == "bridge" and vif.bridge is not None
    return Interface(
        # "ethernet" is a tap device that is put nowhere.
        type="bridge" if is_bridged else "ethernet",
        mac=vif.mac_address,
        bridge=vif.bridge if is_bridged else None,
        device=None if plan.facts.type == TEST else vif.devname,
        model=None if plan.facts.type == LXC else model,
        queues=_queues(plan, model),
        mtu=vif.mtu if plan.facts.is_machine_emulator and model == "virtio" else None,
        **_limits(plan),
    )


def _queues(plan: Plan, model: str) -> int | None:
    """As many as CPUs, up to what the kernel's tap devices have."""
    if not plan.wishes.boolean("hw:vif_multiqueue_enabled") or model != "virtio":
        return None
    vcpus = plan.instance.flavor.vcpus
    return min(vcpus, 256) if vcpus > 1 and plan.facts.is_machine_emulator else None


def _limits(plan: Plan) -> dict[str, Any]:
    limits: dict[str, Any] = {name: plan.wishes.integer(f"quota:vif_{name}", least=1) for name in _LIMITS}
    for way in ("inbound", "outbound"):
        if not limits[f"{way}_average"] and (limits[f"{way}_peak"] or limits[f"{way}_burst"]):
            raise Impossible(f"quota:vif_{way}_peak and burst need quota:vif_{way}_average")
    return limits
