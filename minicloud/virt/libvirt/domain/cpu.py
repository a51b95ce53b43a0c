# SPDX-License-Identifier: Apache-2.0
"""The guest's CPUs: how many sockets, cores and threads, of which model, shared or alone."""

from __future__ import annotations

from typing import Any

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import KVM
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.domain import Cpu, Domain, VcpuPin

#: The oldest model that distributions made for x86-64-v2 boot on; emulated without warnings.
_EMULATED = "Nehalem"


def build(plan: Plan, domain: Domain) -> None:
    _pin(plan, domain)
    if not plan.facts.is_machine_emulator:
        return
    sockets, cores, threads = topology(plan)
    domain.cpu = Cpu(sockets=sockets, cores=cores, threads=threads, dies=1, **_model(plan))
    pmu = plan.wishes.text("hw:pmu")
    if pmu is not None:
        domain.pmu = "on" if plan.wishes.boolean("hw:pmu") else "off"


def dedicated(plan: Plan) -> bool:
    """Whether the guest wants CPUs of the host for itself."""
    policy = plan.wishes.choice("hw:cpu_policy", ("shared", "dedicated", "mixed")) or "shared"
    if policy == "mixed":
        raise Impossible("hw:cpu_policy=mixed: the libvirt driver has no mix of shared and dedicated CPUs")
    thread_policy = plan.wishes.choice("hw:cpu_thread_policy", ("prefer", "isolate", "require"))
    if policy == "shared" and thread_policy is not None:
        raise Impossible("hw:cpu_thread_policy is for hw:cpu_policy=dedicated only")
    if thread_policy in ("isolate", "require"):
        raise Lacking(f"hw:cpu_thread_policy={thread_policy}: dedicated_cpus says nothing about threads")
    return policy == "dedicated"


def _pin(plan: Plan, domain: Domain) -> None:
    if not dedicated(plan):
        return
    if len(plan.pins) < domain.vcpus:
        raise Lacking(f"hw:cpu_policy=dedicated: {len(plan.pins)} of {domain.vcpus} CPUs are free in dedicated_cpus")
    domain.vcpu_pins = [VcpuPin(vcpu=index, cpuset=str(plan.pins[index])) for index in range(domain.vcpus)]


def topology(plan: Plan) -> tuple[int, int, int]:
    """Sockets, cores and threads whose product is the flavor's number of CPUs.

    What is asked for must be met; what is not is chosen: one thread a core, as many sockets as are allowed.
    """
    wishes, total = plan.wishes, plan.instance.flavor.vcpus
    names = ("sockets", "cores", "threads")
    asked = [wishes.integer(f"hw:cpu_{name}", least=1, most=65536) for name in names]
    most = [wishes.integer(f"hw:cpu_max_{name}", least=1, most=65536) or 65536 for name in names]
    fits = [
        (sockets, cores, threads)
        for threads in range(1, total + 1)
        if total % threads == 0
        for cores in range(1, total // threads + 1)
        if total // threads % cores == 0
        for sockets in (total // threads // cores,)
        if all(w in (None, have) for w, have in zip(asked, (sockets, cores, threads), strict=True))
        if all(have <= limit for have, limit in zip((sockets, cores, threads), most, strict=True))
    ]
    if not fits:
        words = ", ".join(f"{name} {wish}" for name, wish in zip(names, asked, strict=True) if wish is not None)
        raise Impossible(f"hw:cpu_*: {total} CPUs cannot be arranged as asked ({words or 'limits'})")
    return fits[0]


def _model(plan: Plan) -> dict[str, Any]:
    mode, model = plan.options.cpu_mode, plan.options.cpu_model
    if not mode:
        mode, model = ("host-model", "") if plan.facts.type == KVM else ("custom", _EMULATED)
    if mode == "none":
        return {}
    if plan.facts.cpu_modes and mode not in plan.facts.cpu_modes:
        raise Lacking(f"cpu_mode {mode} is nothing that this hypervisor can do")
    if mode != "custom":
        return {"mode": mode}
    if plan.facts.cpu_models and model not in plan.facts.cpu_models:
        raise Lacking(f"cpu_model {model or '(none)'} is nothing that this hypervisor knows")
    return {"mode": mode, "match": "exact", "model": model}
