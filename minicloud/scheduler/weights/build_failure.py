# SPDX-License-Identifier: Apache-2.0
"""Avoid hosts where builds failed recently."""

from __future__ import annotations

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.weights.base import HostWeigher


class BuildFailureWeigher(HostWeigher):
    OPTION = "build_failure"

    def weigh(self, host: HostState, request: Request) -> float:
        return host.failed_builds
