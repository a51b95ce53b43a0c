# SPDX-License-Identifier: Apache-2.0
"""Prefer hosts with many free virtual CPUs."""

from __future__ import annotations

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher


class CPUWeigher(HostWeigher):
    OPTION = "cpu"

    def weigh(self, host: HostState, request: Request) -> float:
        return host.free("VCPU")
