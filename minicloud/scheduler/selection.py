# SPDX-License-Identifier: Apache-2.0
"""Choosing: filters leave the hosts that may, weighers order them, the best is counted as taken at once."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oslo_config import cfg

from minicloud.objects import HostChoice, HostReason
from minicloud.scheduler import filters, weights
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request

#: Hosts whose reasons are kept one by one; of the rest only the number.
KEPT_REASONS = 20


@dataclass(frozen=True, slots=True)
class Pick:
    """What was chosen for one server; no host when none passed."""

    uuid: str
    host: HostState | None
    weight: float = 0.0
    alternates: tuple[HostChoice, ...] = ()
    considered: int = 0
    reasons: tuple[HostReason, ...] = ()


class Reasons:
    """Why hosts were not chosen; bounded."""

    def __init__(self) -> None:
        self._kept: dict[str, HostReason] = {}
        self._more: Counter[str] = Counter()

    def add(self, host: str, step: str, reason: str) -> None:
        if host in self._kept or len(self._kept) < KEPT_REASONS:
            self._kept[host] = HostReason(host=host, step=step, reason=reason)
        else:
            self._more[step] += 1

    def all(self) -> tuple[HostReason, ...]:
        more = [HostReason(host="*", step=step, reason=f"{count} more hosts") for step, count in self._more.items()]
        return (*self._kept.values(), *more)


class Selector:
    """The enabled filters and weighers."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._options = conf.filter_scheduler
        self._alternates = conf.scheduler.max_attempts - 1
        self._filters = filters.load(conf)
        self._weighers = weights.load(conf)

    def pick(self, hosts: Sequence[HostState], request: Request, uuids: Sequence[str]) -> list[Pick]:
        """Choose a host for each of some equal servers and count it as taken; the caller holds the hosts' lock."""
        field = self._field(hosts, request)
        picks = []
        for uuid in uuids:
            picks.append(self._best(field, len(hosts), request, uuid))
            chosen = picks[-1].host
            if chosen is None:
                continue
            chosen.consume(uuid, request.spec.project_id, request.wanted)
            if request.group is not None:
                # One more member changes what every host is asked.
                request.group_hosts[chosen.host] += 1
                field = self._field(hosts, request)
            else:
                self._look_again(field, chosen, request)
        return picks

    def passes(self, host: HostState, request: Request) -> bool:
        """Whether an alternate still may."""
        return self._refusal(host, request) is None

    def _field(self, hosts: Sequence[HostState], request: Request) -> _Field:
        reasons = Reasons()
        passed = []
        for host in hosts:
            refusal = self._refusal(host, request)
            if refusal is None:
                passed.append(host)
            else:
                reasons.add(host.name, *refusal)
        return _Field(weights.Weights(self._weighers, request, passed), reasons)

    def _look_again(self, field: _Field, host: HostState, request: Request) -> None:
        index = field.weights.hosts.index(host)
        refusal = self._refusal(host, request)
        if refusal is None:
            field.weights.update(index)
        else:
            field.weights.remove(index)
            field.reasons.add(host.name, *refusal)

    def _refusal(self, host: HostState, request: Request) -> tuple[str, str] | None:
        """(step, reason) of the first step that refuses a host."""
        if reason := _forced(host, request):
            return "requested", reason
        for each in () if request.is_forced else self._filters:
            reason = each.refusal(host, request)
            if reason is not None:
                return each.name, reason
        if reason := host.shortage(request.wanted) or _traits(host, request):
            return "capacity", reason
        return None

    def _best(self, field: _Field, considered: int, request: Request, uuid: str) -> Pick:
        hosts = field.weights.hosts
        reasons = field.reasons.all()
        if not hosts:
            return Pick(uuid, None, considered=considered, reasons=reasons)
        totals = field.weights.totals()
        index = self._draw(totals)
        cell = hosts[index].provider.cell_uuid
        others = (i for i in range(len(hosts)) if i != index and hosts[i].provider.cell_uuid == cell)
        alternates = heapq.nlargest(self._alternates, others, key=totals.__getitem__)
        return Pick(uuid, hosts[index], totals[index], tuple(hosts[i].choice for i in alternates), considered, reasons)

    def _draw(self, totals: list[float]) -> int:
        size = self._options.host_subset_size
        if size > 1:
            return random.choice(heapq.nlargest(size, range(len(totals)), key=totals.__getitem__))
        best = max(totals)
        if self._options.shuffle_best_same_weighed_hosts:
            return random.choice([index for index, total in enumerate(totals) if total == best])
        return totals.index(best)


@dataclass(slots=True)
class _Field:
    """Who is in the running, and why the others are not."""

    weights: weights.Weights
    reasons: Reasons


def _forced(host: HostState, request: Request) -> str | None:
    spec = request.spec
    if spec.force_hosts and host.host not in spec.force_hosts:
        return f"host {', '.join(spec.force_hosts)} was asked for"
    if spec.force_nodes and host.name not in spec.force_nodes:
        return f"node {', '.join(spec.force_nodes)} was asked for"
    if host.host in spec.ignore_hosts:
        return "tried before, or to be ignored"
    if request.cell_uuid is not None and host.provider.cell_uuid != request.cell_uuid:
        return "in another cell than the server"
    return None


def _traits(host: HostState, request: Request) -> str | None:
    """``trait:NAME`` = required or forbidden among the extra specs."""
    for key, value in request.spec.flavor.extra_specs.items():
        if not key.startswith("trait:"):
            continue
        name = key.removeprefix("trait:")
        if value == "required" and name not in host.provider.traits:
            return f"trait {name} required, missing here"
        if value == "forbidden" and name in host.provider.traits:
            return f"trait {name} forbidden, present here"
    return None
