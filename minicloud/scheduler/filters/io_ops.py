# SPDX-License-Identifier: Apache-2.0
"""A bound on the builds of a host at the same time."""

from __future__ import annotations

from minicloud.scheduler.extra_specs import lowest
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class IoOpsFilter(HostFilter):
    """Passes hosts with fewer servers in a build or move than ``max_io_ops_per_host``; an aggregate may override it."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        most = lowest(host.metadata("max_io_ops_per_host"), self.conf.filter_scheduler.max_io_ops_per_host)
        return None if len(host.busy) < most else f"{len(host.busy)} servers in a build or move, {most} allowed"
