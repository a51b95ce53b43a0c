# SPDX-License-Identifier: Apache-2.0
"""Further ports for a server that is there already, and fewer."""

from __future__ import annotations

import threading
from contextlib import suppress

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager.base import SUPERSEDED, Endpoint, failed, is_unexpected
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate, NetworkRequest, Vif
from minicloud.rpc.base import expected
from minicloud.rpc.compute import ComputeStub
from minicloud.virt import roles
from minicloud.virt.driver import Order

LOG = logging.getLogger(__name__)

ATTACH = "compute_attach_interface"
DETACH = "compute_detach_interface"


class InterfacesEndpoint(Endpoint):
    STUB = ComputeStub

    @expected(exception.MinicloudError)
    def attach_interface(self, ctxt: RequestContext, instance: Instance, request: NetworkRequest) -> Vif:
        """The port first, then the guest; the port goes again when the guest does not take it."""
        with self._host.locks.hold(instance.uuid, "attach interface") as cancelled:
            instance = self._begin(ctxt, instance, ATTACH)
            try:
                vif = self._plug_in(ctxt, Order(instance, cancelled), request)
            except Exception as error:
                self._end_in_error(ctxt, instance, ATTACH, error)
                raise
            self._end(ctxt, instance, ATTACH)
            return vif

    def detach_interface(self, ctxt: RequestContext, instance: Instance, port_id: str) -> None:
        self._host.submit(ctxt, lambda: self._detach(ctxt, instance, port_id))

    def _detach(self, ctxt: RequestContext, instance: Instance, port_id: str) -> None:
        with self._host.locks.hold(instance.uuid, "detach interface") as cancelled:
            try:
                instance = self._begin(ctxt, instance, DETACH)
            except SUPERSEDED as error:
                LOG.info("Not detached: %s [instance: %s]", error, instance.uuid)
                return
            try:
                for vif in [vif for vif in instance.network_info if vif.port_id == port_id]:
                    roles.interfaces(self._host.driver).detach_interface(Order(instance, cancelled), vif)
                    self._host.network.detach(ctxt, instance.uuid, port_id)
                self._end(ctxt, instance, DETACH)
            except SUPERSEDED as error:
                LOG.info("Detached, but the server is another's: %s [instance: %s]", error, instance.uuid)
            except Exception as error:
                LOG.warning("Detach failed: %s [instance: %s]", error, instance.uuid, exc_info=is_unexpected(error))
                self._end_in_error(ctxt, instance, DETACH, error)

    def _plug_in(self, ctxt: RequestContext, order: Order, request: NetworkRequest) -> Vif:
        driver = roles.interfaces(self._host.driver)
        one = order.instance
        vif = self._host.network.attach(ctxt, self._host.port_owner(one), request, [])
        try:
            driver.attach_interface(order, vif)
        except Exception as error:
            LOG.warning("Attach failed: %s [instance: %s]", error, one.uuid, exc_info=is_unexpected(error))
            self._host.network.detach(ctxt, one.uuid, vif.port_id)
            raise exception.InterfaceAttachFailed(instance_uuid=one.uuid) from error
        return vif

    def _begin(self, ctxt: RequestContext, instance: Instance, event: str) -> Instance:
        step = InstanceUpdate(
            uuid=instance.uuid, expected_task_states=(None,), expected_host=self._host.name, start_event=event
        )
        return self._host.update_instance(ctxt, step)

    def _end(self, ctxt: RequestContext, instance: Instance, event: str) -> None:
        vifs = self._host.network.describe(ctxt, [instance.uuid]).get(instance.uuid, [])
        step = InstanceUpdate(
            uuid=instance.uuid,
            changes={"network_info": vifs},
            expected_host=self._host.name,
            finish_event=event,
            finish_action=True,
        )
        self._host.update_instance(ctxt, step)

    def _end_in_error(self, ctxt: RequestContext, instance: Instance, event: str, error: Exception) -> None:
        """The server is as it was, and the action says what went wrong."""
        with suppress(*SUPERSEDED):
            self._host.update_instance(
                ctxt, InstanceUpdate(uuid=instance.uuid, finish_action=True, **failed(event, error))
            )


def complete(host: Host, ctxt: RequestContext) -> None:
    """After a restart: end what was cut short between the network service, the guest and the record."""
    if not isinstance(host.driver, roles.SupportsInterfaces):
        return
    servers = [one for one in host.conductor.instances_on_host(ctxt, host.name) if one.task_state is None]
    found = host.network.describe(ctxt, [one.uuid for one in servers]) if servers else {}
    for instance in servers:
        vifs = found.get(instance.uuid, [])
        if {vif.port_id for vif in vifs} != {vif.port_id for vif in instance.network_info}:
            _complete(host, ctxt, host.driver, instance, vifs)


def _complete(
    host: Host, ctxt: RequestContext, driver: roles.SupportsInterfaces, instance: Instance, vifs: list[Vif]
) -> None:
    LOG.info("The last run left ports half attached or detached [instance: %s]", instance.uuid)
    ports = {vif.port_id for vif in vifs}
    with host.locks.hold(instance.uuid, "interfaces after a restart"):
        order = Order(instance, threading.Event())
        try:
            for vif in [vif for vif in instance.network_info if vif.port_id not in ports]:
                driver.detach_interface(order, vif)
            known = {vif.port_id for vif in instance.network_info}
            for vif in [vif for vif in vifs if vif.port_id not in known]:
                driver.attach_interface(order, vif)
            host.update_instance(
                ctxt,
                InstanceUpdate(
                    uuid=instance.uuid,
                    changes={"network_info": vifs},
                    expected_task_states=(None,),
                    expected_host=host.name,
                    finish_event=ATTACH if len(vifs) > len(known) else DETACH,
                    finish_action=True,
                ),
            )
        except (exception.GuestNotFound, *SUPERSEDED) as error:
            LOG.info("Ports stay as they are: %s [instance: %s]", error, instance.uuid)
