# SPDX-License-Identifier: Apache-2.0
"""Weighers, one a file, and the sum of what they say."""

from __future__ import annotations

from collections.abc import Sequence

from oslo_config import cfg

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher
from minicloud.scheduler.weights.build_failure import BuildFailureWeigher
from minicloud.scheduler.weights.cpu import CPUWeigher
from minicloud.scheduler.weights.disk import DiskWeigher
from minicloud.scheduler.weights.io_ops import IoOpsWeigher
from minicloud.scheduler.weights.ram import RAMWeigher
from minicloud.scheduler.weights.soft_affinity import ServerGroupSoftAffinityWeigher
from minicloud.scheduler.weights.soft_anti_affinity import ServerGroupSoftAntiAffinityWeigher

WEIGHERS: tuple[type[HostWeigher], ...] = (
    RAMWeigher,
    CPUWeigher,
    DiskWeigher,
    IoOpsWeigher,
    ServerGroupSoftAffinityWeigher,
    ServerGroupSoftAntiAffinityWeigher,
    BuildFailureWeigher,
)


def load(conf: cfg.ConfigOpts) -> list[HostWeigher]:
    """The weighers that count for something."""
    return [weigher for weigher in (cls(conf) for cls in WEIGHERS) if weigher.multiplier]


class Weights:
    """The weights of some hosts for one request, kept up to date as servers are decided to go there."""

    def __init__(self, weighers: Sequence[HostWeigher], request: Request, hosts: Sequence[HostState]) -> None:
        self._weighers = weighers
        self._request = request
        self.hosts = list(hosts)
        self._columns = [[weigher.weigh(host, request) for host in self.hosts] for weigher in weighers]

    def totals(self) -> list[float]:
        """The weight of each host, in the order of :attr:`hosts`."""
        totals = [0.0] * len(self.hosts)
        for weigher, column in zip(self._weighers, self._columns, strict=True):
            low, high = min(column, default=0.0), max(column, default=0.0)
            if low == high:
                continue  # alike everywhere: decides nothing
            scale = weigher.multiplier / (high - low)
            for index, value in enumerate(column):
                totals[index] += (value - low) * scale
        return totals

    def update(self, index: int) -> None:
        """Weigh one host again."""
        for weigher, column in zip(self._weighers, self._columns, strict=True):
            column[index] = weigher.weigh(self.hosts[index], self._request)

    def remove(self, index: int) -> None:
        """One host no longer takes part."""
        for column in (self.hosts, *self._columns):
            del column[index]  # type: ignore[attr-defined]  # a tuple of two kinds of list is read as of objects
