# SPDX-License-Identifier: Apache-2.0
"""Prefer hosts with many of the server's group."""

from __future__ import annotations

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher


class ServerGroupSoftAffinityWeigher(HostWeigher):
    OPTION = "soft_affinity"

    def weigh(self, host: HostState, request: Request) -> float:
        return request.group_hosts[host.host] if request.policy == "soft-affinity" else 0
