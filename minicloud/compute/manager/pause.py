# SPDX-License-Identifier: Apache-2.0
"""Pause and suspend, and back again, on drivers that can."""

from __future__ import annotations

from collections.abc import Callable

from minicloud.compute.manager import verb
from minicloud.compute.manager.base import Endpoint
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Task
from minicloud.virt import roles
from minicloud.virt.driver import Order

PAUSE = verb.Verb("compute_pause_instance", (Task.PAUSING,), VM.PAUSED)
UNPAUSE = verb.Verb("compute_unpause_instance", (Task.UNPAUSING,), VM.ACTIVE)
SUSPEND = verb.Verb("compute_suspend_instance", (Task.SUSPENDING,), VM.SUSPENDED)
RESUME = verb.Verb("compute_resume_instance", (Task.RESUMING,), VM.ACTIVE)


class PauseEndpoint(Endpoint):
    STUB = ComputeStub

    def pause_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._submit(ctxt, instance, PAUSE, lambda order: roles.pausing(self._host.driver).pause(order))

    def unpause_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._submit(ctxt, instance, UNPAUSE, lambda order: roles.pausing(self._host.driver).unpause(order))

    def suspend_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._submit(ctxt, instance, SUSPEND, lambda order: roles.suspending(self._host.driver).suspend(order))

    def resume_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        self._submit(ctxt, instance, RESUME, lambda order: roles.suspending(self._host.driver).resume(order))

    def _submit(self, ctxt: RequestContext, instance: Instance, row: verb.Verb, work: Callable[[Order], None]) -> None:
        verb.submit(self._host, ctxt, instance, row, work)
