# SPDX-License-Identifier: Apache-2.0
"""What is done for the user inside a guest or to what it boots from: rescue, and its password."""

from __future__ import annotations

from typing import NoReturn

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import verb
from minicloud.compute.manager.base import Endpoint
from minicloud.compute.orders import spawn_order
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Task
from minicloud.virt import roles
from minicloud.virt.driver import Order

RESCUE = verb.Verb("compute_rescue_instance", (Task.RESCUING,), VM.RESCUED, launches=True)
UNRESCUE = verb.Verb("compute_unrescue_instance", (Task.UNRESCUING,), VM.ACTIVE)
PASSWORD = verb.Verb("compute_set_admin_password", (Task.UPDATING_PASSWORD,), None, is_harmless=True)

#: Where the system metadata has the id of the image that a server is rescued with.
IMAGE = "rescue_image"


class GuestEndpoint(Endpoint):
    STUB = ComputeStub

    def rescue_instance(self, ctxt: RequestContext, instance: Instance, admin_password: str | None = None) -> None:
        def work(order: Order) -> None:
            rescue(self._host, ctxt, order, admin_password)

        verb.submit(self._host, ctxt, instance, RESCUE, work)

    def unrescue_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        verb.submit(self._host, ctxt, instance, UNRESCUE, lambda order: unrescue(self._host, ctxt, order))

    def set_admin_password(self, ctxt: RequestContext, instance: Instance, password: str) -> None:
        def change(order: Order) -> None:
            roles.passwords(self._host.driver).set_admin_password(order, password)

        verb.submit(self._host, ctxt, instance, PASSWORD, change)


def rescue(host: Host, ctxt: RequestContext, order: Order, admin_password: str | None = None) -> None:
    """The image is noted with the server, so that a restart knows it too; a password is not."""
    image_id = order.instance.system_metadata.get(IMAGE) or order.instance.image_id
    roles.rescuing(host.driver).rescue(
        spawn_order(host, ctxt, order, purpose="rescue", image_id=image_id, admin_password=admin_password)
    )


def unrescue(host: Host, _ctxt: RequestContext, order: Order) -> None:
    roles.rescuing(host.driver).unrescue(order)


def forgotten(_host: Host, _ctxt: RequestContext, _order: Order) -> NoReturn:
    """A password that was to be set when the host stopped is written nowhere, so that it is lost."""
    raise exception.MinicloudError("The host was restarted while it set the password.")
