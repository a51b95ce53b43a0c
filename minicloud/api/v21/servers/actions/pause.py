# SPDX-License-Identifier: Apache-2.0
"""pause, unpause, suspend, resume."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions.base import ANYTHING, Action, begin
from minicloud.api.v21.servers.lookup import Found
from minicloud.rpc.compute import ComputeStub


def pause(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "pause", "pause", ComputeStub.pause_instance)


def unpause(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "unpause", "unpause", ComputeStub.unpause_instance)


def suspend(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "suspend", "suspend", ComputeStub.suspend_instance)


def resume(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "resume", "resume", ComputeStub.resume_instance)


ACTIONS = (
    Action("pause", pause, "os_compute_api:os-pause-server:pause", ANYTHING),
    Action("unpause", unpause, "os_compute_api:os-pause-server:unpause", ANYTHING),
    Action("suspend", suspend, "os_compute_api:os-suspend-server:suspend", ANYTHING),
    Action("resume", resume, "os_compute_api:os-suspend-server:resume", ANYTHING),
)
