# SPDX-License-Identifier: Apache-2.0
"""Removing a server: it works in every state, wins over whatever else is going on, and may be repeated."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager.base import Endpoint, failed, fault
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Task
from minicloud.virt.driver import Cancelled, Order

LOG = logging.getLogger(__name__)

EVENT = "compute_terminate_instance"


#: How migrations of these types end with their server; of others nothing is left to decide.
_OVER = {"live-migration": "cancelled", "evacuation": "failed"}


class DeleteEndpoint(Endpoint):
    STUB = ComputeStub

    def delete_instance(self, ctxt: RequestContext, instance: Instance) -> None:
        """Interrupt what is going on, then remove guest, ports, claim and record, in this order.

        Runs in the RPC server's thread, so that it gets through when the host's workers hang.
        """
        with self._host.locks.hold(instance.uuid, "delete", interrupting=True) as cancelled:
            delete(self._host, ctxt, instance, Order(instance, cancelled))


def delete(host: Host, ctxt: RequestContext, instance: Instance, order: Order) -> None:
    """The caller holds the instance's lock."""
    begin = InstanceUpdate(uuid=instance.uuid, changes={"task_state": Task.DELETING}, start_event=EVENT)
    try:
        instance = host.update_instance(ctxt, begin)
    except exception.InstanceNotFound:
        LOG.info("Deleted already; what may be left is removed [instance: %s]", instance.uuid)
    try:
        host.driver.destroy(order)
        _forget_move(host, ctxt, instance)
        host.network.deallocate(ctxt, instance.uuid, kept_ports(instance))
        host.scheduler.release(ctxt, instance.uuid)
        host.destroy_instance(ctxt, instance.uuid)
        LOG.info("Deleted [instance: %s]", instance.uuid)
    except Cancelled:
        LOG.info("Delete left to the next start [instance: %s]", instance.uuid)
    except exception.HypervisorAway as error:
        # Not in ERROR: nothing is wrong with the server, and nobody has to ask again.
        host.leftovers.add(instance.uuid)
        LOG.warning("Delete goes on when the hypervisor is back: %s [instance: %s]", error, instance.uuid)
    except Exception as error:
        LOG.exception("Delete failed [instance: %s]", instance.uuid)
        _fail(host, ctxt, instance, error)


def _forget_move(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    """What a resize keeps on the other host is not needed any more."""
    migration = host.conductor.open_migration(ctxt, instance.uuid)
    if migration is None:
        return
    for other in {migration.source_compute, migration.dest_compute} - {host.name}:
        host.computes.forget_guest(ctxt, other, instance)
    host.scheduler.migration_ended(ctxt, migration, True)
    host.conductor.change_migration(ctxt, migration.uuid, _OVER.get(migration.migration_type, "confirmed"))


def kept_ports(instance: Instance) -> list[str]:
    """Ports that the user made and that outlive the server."""
    return [vif.port_id for vif in instance.network_info if not vif.created_by_compute]


def _fail(host: Host, ctxt: RequestContext, instance: Instance, error: Exception) -> None:
    """Say so on the server; the user, or the reconciler, may try again."""
    step = InstanceUpdate(
        uuid=instance.uuid,
        changes={"vm_state": VM.ERROR, "task_state": None},
        expected_task_states=(Task.DELETING,),
        fault=fault(error),
        finish_action=True,
        **failed(EVENT, error),
    )
    try:
        host.update_instance(ctxt, step)
    except (exception.UnexpectedState, exception.InstanceNotFound) as other:
        LOG.info("Failed delete is superseded: %s [instance: %s]", other, instance.uuid)
