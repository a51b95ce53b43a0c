# SPDX-License-Identifier: Apache-2.0
"""Rebuild: another guest from an image, on the same host, with the same ports."""

from __future__ import annotations

from minicloud.compute.host import Host
from minicloud.compute.manager import verb
from minicloud.compute.manager.base import Endpoint
from minicloud.compute.orders import spawn_order
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Task
from minicloud.virt.driver import Order

REBUILD = verb.Verb("compute_rebuild_instance", (Task.REBUILDING,), None, launches=True)


class RebuildEndpoint(Endpoint):
    STUB = ComputeStub

    def rebuild_instance(self, ctxt: RequestContext, instance: Instance, admin_password: str | None = None) -> None:
        """There is no way back: when it fails, the old guest is gone and the server is in ERROR."""

        def work(order: Order) -> None:
            rebuild(self._host, ctxt, order, admin_password)

        verb.submit(self._host, ctxt, instance, REBUILD, work)


def rebuild(host: Host, ctxt: RequestContext, order: Order, admin_password: str | None = None) -> None:
    """The instance's record has its new image already; a server that was off is off again.

    :param admin_password: None also after a restart, since it is recorded nowhere
    """
    host.driver.destroy(order)
    host.driver.spawn(spawn_order(host, ctxt, order, purpose="rebuild", admin_password=admin_password))
    if order.instance.vm_state == VM.STOPPED:
        host.driver.power_off(order)
