# SPDX-License-Identifier: Apache-2.0
"""The hint same_host."""

from __future__ import annotations

from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class SameHostFilter(HostFilter):
    """Passes hosts with at least one of the servers named."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        wanted = request.hint("same_host")
        if not wanted or any(uuid in host.instances for uuid in wanted):
            return None
        return f"none of the {len(wanted)} servers of same_host is here"
