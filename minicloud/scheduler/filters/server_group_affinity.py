# SPDX-License-Identifier: Apache-2.0
"""All of a group on one host."""

from __future__ import annotations

from minicloud.placement.claims import GroupRule
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class ServerGroupAffinityFilter(HostFilter):
    """With the policy affinity, passes hosts where the group is, or all while it is nowhere."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        if request.policy != "affinity":
            return None
        return GroupRule(request.group, request.group_hosts).refusal(host.host)
