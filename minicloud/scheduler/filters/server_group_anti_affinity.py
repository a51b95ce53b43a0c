# SPDX-License-Identifier: Apache-2.0
"""Each of a group on a host of its own."""

from __future__ import annotations

from minicloud.placement.claims import GroupRule
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class ServerGroupAntiAffinityFilter(HostFilter):
    """With the policy anti-affinity, passes hosts with fewer members than ``max_server_per_host`` (1)."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        if request.policy != "anti-affinity":
            return None
        return GroupRule(request.group, request.group_hosts).refusal(host.host)
