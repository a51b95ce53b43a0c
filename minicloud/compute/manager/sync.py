# SPDX-License-Identifier: Apache-2.0
"""Keeping the records true to the hypervisor: power states, lost guests, guests without a server."""

from __future__ import annotations

import threading
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import delete
from minicloud.compute.manager.base import SUPERSEDED, fault, is_unexpected
from minicloud.compute.manager.verb import VM_STATE, power_of
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.states import VM, Power, Task
from minicloud.virt.driver import Order
from minicloud.virt.survey import farewell

LOG = logging.getLogger(__name__)

#: Servers in other states have no guest, or one whose power says nothing about them.
_SYNCED = frozenset(VM_STATE.values())


#: What is to be said of a server: deleted, not deleted, never heard of.
_WHY = {True: "was deleted", False: "is not on this host any more", None: "nobody knows"}


def sync_power_states(host: Host, ctxt: RequestContext) -> None:
    """Compare every idle server of this host with its guest."""
    guests = host.driver.guests()
    for instance in host.conductor.instances_on_host(ctxt, host.name):
        if _differs(instance, guests.get(instance.uuid, Power.NOSTATE)):
            sync_one(host, ctxt, instance.uuid)


def _differs(instance: Instance, power: Power) -> bool:
    if instance.task_state is not None or instance.vm_state not in _SYNCED:
        return False
    return instance.power_state != power or VM_STATE.get(power) != instance.vm_state


def sync_one(host: Host, ctxt: RequestContext, uuid: str) -> None:
    """Make one server's record say what its guest is, if nothing else is going on."""
    with host.locks.hold(uuid, "power sync") as cancelled:
        try:
            instance = host.conductor.get_instance(ctxt, uuid)
            power = power_of(host, uuid)
            if cancelled.is_set() or instance.host != host.name or not _differs(instance, power):
                return
            LOG.warning(
                "Recorded %s, power state %s, but the guest is %s [instance: %s]",
                instance.vm_state,
                instance.power_state,
                power.name,
                uuid,
            )
            host.update_instance(ctxt, _corrected(host, instance, power))
        except SUPERSEDED:
            pass  # somebody is at work on it, so it is not ours to correct


def _corrected(host: Host, instance: Instance, power: Power) -> InstanceUpdate:
    more: dict[str, Any] = {}
    if power not in VM_STATE:
        more["fault"] = fault(exception.GuestNotFound(instance_uuid=instance.uuid))
    return InstanceUpdate(
        uuid=instance.uuid,
        changes={"power_state": int(power), "vm_state": VM_STATE.get(power, VM.ERROR)},
        expected_task_states=(None,),
        expected_vm_states=(instance.vm_state,),
        expected_host=host.name,
        **more,
    )


def check_orphans(host: Host, ctxt: RequestContext, *, destroy: bool) -> None:
    """Report, or destroy, guests that belong to no server of this host.

    A guest of whose server nobody has ever heard is not destroyed unless an operator says so: the records may be lost.

    :param destroy: whether to destroy those whose servers were deleted, or are elsewhere
    """
    known = {instance.uuid for instance in host.conductor.instances_on_host(ctxt, host.name)}
    # What is kept for the way back of a resize is not forgotten.
    known |= {migration.instance_uuid for migration in host.conductor.open_migrations(ctxt, host.name)}
    strangers = sorted(host.driver.traces() - known)
    fates = host.conductor.fates(ctxt, strangers) if strangers else {}
    for uuid in strangers:
        is_wanted = host.conf.compute.destroy_orphans or (destroy and uuid in fates)
        _check_orphan(host, ctxt, uuid, _WHY[fates.get(uuid)], destroy=is_wanted)


def _check_orphan(host: Host, ctxt: RequestContext, uuid: str, why: str, *, destroy: bool) -> None:
    with host.locks.hold(uuid, "orphan check") as cancelled:
        instance = _recorded(host, ctxt, uuid)
        if cancelled.is_set() or (instance is not None and instance.host == host.name):
            return
        if not destroy:
            LOG.warning("A guest is here whose server %s; see 'minicloud doctor' [instance: %s]", why, uuid)
            return
        LOG.warning("A guest is destroyed whose server %s [instance: %s]", why, uuid)
        host.driver.destroy(Order(instance, threading.Event()) if instance else farewell(uuid))


def remove(host: Host, order: Order) -> None:
    """Remove a guest that must not be here; what cannot be removed now is removed later."""
    try:
        host.driver.destroy(order)
    except Exception as error:
        host.leftovers.add(order.instance.uuid)
        LOG.warning(
            "It cannot be removed now, but will be: %s [instance: %s]",
            error,
            order.instance.uuid,
            exc_info=is_unexpected(error),
        )


def clear_leftovers(host: Host, ctxt: RequestContext) -> None:
    """Try again what :func:`remove`, or a delete, could not do, unless the server has come back here."""
    if not host.leftovers:
        return
    coming = {migration.instance_uuid for migration in host.conductor.open_migrations(ctxt, host.name)}
    for uuid in sorted(host.leftovers - coming):
        host.leftovers.discard(uuid)
        try:
            _clear(host, ctxt, uuid)
        except exception.MinicloudError as error:
            host.leftovers.add(uuid)
            LOG.warning("It cannot be removed yet: %s [instance: %s]", error, uuid)


def _clear(host: Host, ctxt: RequestContext, uuid: str) -> None:
    instance = _recorded(host, ctxt, uuid)
    if instance is None or instance.host != host.name or instance.task_state != Task.DELETING:
        _check_orphan(host, ctxt, uuid, _WHY[False], destroy=True)
        return
    with host.locks.hold(uuid, "delete", interrupting=True) as cancelled:
        delete.delete(host, ctxt, instance, Order(instance, cancelled))


def _recorded(host: Host, ctxt: RequestContext, uuid: str) -> Instance | None:
    try:
        return host.conductor.get_instance(ctxt, uuid)
    except exception.InstanceNotFound:
        return None
