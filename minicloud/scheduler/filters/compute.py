# SPDX-License-Identifier: Apache-2.0
"""Whether the compute service lives and an operator lets servers on it."""

from __future__ import annotations

from minicloud.placement.liveness import is_up
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class ComputeFilter(HostFilter):
    """Passes hosts whose service is up and enabled."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        if host.barred is not None:
            return f"the service is {host.barred.rstrip(': ')}"
        if host.service is None:
            return "no compute service reported from here"
        if not is_up(host.service, request.now, self.conf.service_down_time):
            return f"the service is down, last seen {host.service.last_seen_up}"
        return None
