# SPDX-License-Identifier: Apache-2.0
"""Prefer hosts that build or move few servers just now."""

from __future__ import annotations

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher


class IoOpsWeigher(HostWeigher):
    OPTION = "io_ops"

    def weigh(self, host: HostState, request: Request) -> float:
        return len(host.busy)
