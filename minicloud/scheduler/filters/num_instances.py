# SPDX-License-Identifier: Apache-2.0
"""A bound on the servers of a host."""

from __future__ import annotations

from minicloud.scheduler.extra_specs import lowest
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class NumInstancesFilter(HostFilter):
    """Passes hosts with fewer servers than ``max_instances_per_host``, which an aggregate may override."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        most = lowest(host.metadata("max_instances_per_host"), self.conf.filter_scheduler.max_instances_per_host)
        return None if len(host.instances) < most else f"{len(host.instances)} servers here, {most} allowed"
