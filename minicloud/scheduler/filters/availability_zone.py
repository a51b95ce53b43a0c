# SPDX-License-Identifier: Apache-2.0
"""The zone that the user asked for."""

from __future__ import annotations

from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class AvailabilityZoneFilter(HostFilter):
    """Passes hosts of the zone asked for; without a wish every host."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        wanted = request.spec.availability_zone
        if not wanted or wanted == host.zone:
            return None
        return f"in zone {host.zone}, {wanted} asked"
