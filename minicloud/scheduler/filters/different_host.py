# SPDX-License-Identifier: Apache-2.0
"""The hint different_host."""

from __future__ import annotations

from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class DifferentHostFilter(HostFilter):
    """Passes hosts without any of the servers named."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        here = [uuid for uuid in request.hint("different_host") if uuid in host.instances]
        return f"server {here[0]} of different_host is here" if here else None
