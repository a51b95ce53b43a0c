# SPDX-License-Identifier: Apache-2.0
"""Prefer hosts with much free memory."""

from __future__ import annotations

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher


class RAMWeigher(HostWeigher):
    OPTION = "ram"

    def weigh(self, host: HostState, request: Request) -> float:
        return host.free("MEMORY_MB")
