# SPDX-License-Identifier: Apache-2.0
"""Start, stop and reboot."""

from __future__ import annotations

from minicloud.compute.manager import verb
from minicloud.compute.manager.base import Endpoint
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Task
from minicloud.virt.driver import Order

START = verb.Verb("compute_start_instance", (Task.POWERING_ON,), VM.ACTIVE)
STOP = verb.Verb("compute_stop_instance", (Task.POWERING_OFF,), VM.STOPPED)
# A hard reboot may overtake a soft one that hangs: whichever comes first serves both.
REBOOT = verb.Verb("compute_reboot_instance", (Task.REBOOTING, Task.REBOOTING_HARD), VM.ACTIVE)


class PowerEndpoint(Endpoint):
    STUB = ComputeStub

    def start_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        verb.submit(self._host, ctxt, instance, START, self._host.driver.power_on)

    def stop_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        verb.submit(self._host, ctxt, instance, STOP, self._host.driver.power_off)

    def reboot_instance(self, ctxt: RequestContext, instance: Instance, reboot_type: str) -> None:
        def reboot(order: Order) -> None:
            self._host.driver.reboot(order, hard=reboot_type == "HARD")

        verb.submit(self._host, ctxt, instance, REBOOT, reboot)
