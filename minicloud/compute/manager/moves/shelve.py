# SPDX-License-Identifier: Apache-2.0
"""Servers that are put away as an image, leave their host, and come back on whatever host has room.

Ports, addresses and the record stay all the while. Which image it is, and since when, stands
in the system metadata under Nova's names.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import sync, verb
from minicloud.compute.manager.base import SUPERSEDED, failed, fault
from minicloud.compute.manager.moves.legs import Leg, Ride, leg
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.states import VM, Power, Task
from minicloud.virt import roles
from minicloud.virt.driver import Order
from minicloud.web.moments import now, parse

LOG = logging.getLogger(__name__)

SHELVE = Leg("compute_shelve_instance", (Task.SHELVING, Task.SHELVING_IMAGE), Task.SHELVING_IMAGE)
OFFLOAD = Leg("compute_shelve_offload_instance", (Task.SHELVING_OFFLOADING,), Task.SHELVING_OFFLOADING)
UNSHELVE = Leg("compute_unshelve_instance", (Task.UNSHELVING,), Task.UNSHELVING)

#: Keys of the system metadata.
AT, IMAGE, HOST = "shelved_at", "shelved_image_id", "shelved_host"


def shelve(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    """Stop the guest and give the queued image its disk; leave the host when that is due at once."""

    def give_up(ride: Ride, error: Exception) -> None:
        """The image goes away, and who ran runs again."""
        _delete_image(host, ctxt, ride.instance)
        if ride.instance.vm_state == VM.ACTIVE:
            with suppress(Exception):
                host.driver.power_on(Order(ride.instance, ride.order.cancelled))
        changes = {
            "task_state": None,
            **_truth(host, instance.uuid),
            "system_metadata": _without_marks(ride.instance),
        }
        ride.record(changes, fault=fault(error), finish_action=True, **failed(SHELVE.event, error))

    at_once = host.conf.compute.shelved_offload_time == 0
    after = None
    with leg(host, ctxt, instance, SHELVE, give_up) as ride:
        if ride is None:
            return
        host.driver.power_off(ride.order)
        _give_data(host, ctxt, ride)
        marks = {AT: now().isoformat(), HOST: host.name}
        changes: dict[str, Any] = {
            "vm_state": VM.SHELVED,
            "task_state": Task.SHELVING_OFFLOADING if at_once else None,
            "power_state": int(host.driver.power_state(instance.uuid)),
            "system_metadata": {**ride.instance.system_metadata, **marks},
        }
        after = ride.record(changes, finish_action=not at_once)
    if after is not None and at_once:
        offload(host, ctxt, after)


def _truth(host: Host, uuid: str) -> dict[str, Any]:
    """What a server is after its guest; as it was while nobody can tell."""
    change = verb.power_change(host, uuid)
    return {**change, "vm_state": verb.VM_STATE.get(change["power_state"], VM.ERROR)} if change else {}


def _give_data(host: Host, ctxt: RequestContext, ride: Ride) -> None:
    """
    :raises NotSupported: when driver or host cannot
    """
    image_id = ride.instance.system_metadata.get(IMAGE)
    if not image_id:
        return  # its disks are volumes, which stay
    try:
        host.images.upload(ctxt, image_id, roles.snapshots(host.driver).snapshot(ride.order))
    except exception.Conflict:
        # A restart: the last run got that far.
        if host.images.get(ctxt, image_id).status != "active":
            raise


def offload(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    """Remove the guest; the server keeps its ports and gives back its place."""

    def give_up(ride: Ride, error: Exception) -> None:
        """It stays shelved here, and may be offloaded or unshelved again."""
        changes = {"task_state": None, **verb.power_change(host, instance.uuid)}
        ride.record(changes, fault=fault(error), finish_action=True, **failed(OFFLOAD.event, error))

    with leg(host, ctxt, instance, OFFLOAD, give_up) as ride:
        if ride is None:
            return
        host.driver.destroy(ride.order)
        host.network.rebind(ctxt, instance.uuid, "")
        changes = {
            "vm_state": VM.SHELVED_OFFLOADED,
            "task_state": None,
            "power_state": int(Power.NOSTATE),
            "host": None,
            "node": None,
        }
        ride.record(changes, finish_action=True)
        # After the record: a server without a host that still has a claim is found, one without a claim is not.
        host.scheduler.give_back(ctxt, instance.uuid)


def unshelve(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    """Start the guest that is still here, or a new one from the image."""

    def give_up(ride: Ride, error: Exception) -> None:
        """It is shelved as before; where it was not before, nothing of it is left."""
        changes: dict[str, Any] = {"task_state": None}
        is_new = ride.instance.vm_state == VM.SHELVED_OFFLOADED
        if is_new:
            _leave_nothing(ride)
            changes |= {"host": None, "node": None}
        ride.record(changes, fault=fault(error), finish_action=True, **failed(UNSHELVE.event, error))
        if is_new:
            host.scheduler.give_back(ctxt, instance.uuid)

    with leg(host, ctxt, instance, UNSHELVE, give_up) as ride:
        if ride is None:
            return
        vifs = _start(host, ctxt, ride)
        changes = {
            "vm_state": VM.ACTIVE,
            "task_state": None,
            "power_state": int(host.driver.power_state(instance.uuid)),
            "launched_at": now(),
            "network_info": vifs,
            "system_metadata": _without_marks(ride.instance),
        }
        ride.record(changes, finish_action=True)
        _delete_image(host, ctxt, ride.instance)


def _start(host: Host, ctxt: RequestContext, ride: Ride) -> tuple[Any, ...]:
    one = ride.instance
    if one.vm_state == VM.SHELVED and verb.power_of(host, one.uuid) != Power.NOSTATE:
        host.driver.power_on(ride.order)
        return one.network_info
    host.network.rebind(ctxt, one.uuid, host.name)
    order = ride.spawn_order(one, "unshelve", one.system_metadata.get(IMAGE))
    host.driver.destroy(ride.order)  # what a restart left half made
    host.driver.spawn(order)
    return order.vifs


def _leave_nothing(ride: Ride) -> None:
    one = ride.instance
    sync.remove(ride.host, Order(one, ride.order.cancelled))
    try:
        ride.host.network.rebind(ride.ctxt, one.uuid, "")
    except Exception:
        LOG.exception("Ports stay bound although their server is on no host [instance: %s]", one.uuid)


def _without_marks(instance: Instance) -> dict[str, str]:
    return {key: value for key, value in instance.system_metadata.items() if key not in (AT, IMAGE, HOST)}


def _delete_image(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    if image_id := instance.system_metadata.get(IMAGE):
        try:
            host.images.delete(ctxt, image_id)
        except exception.MinicloudError as error:
            LOG.info("Image %s stays: %s [instance: %s]", image_id, error, instance.uuid)


#: What goes on after a restart, by the task that the last run left.
_STEPS = {
    Task.SHELVING: shelve,
    Task.SHELVING_IMAGE: shelve,
    Task.SHELVING_OFFLOADING: offload,
    Task.UNSHELVING: unshelve,
}


def recover(host: Host, ctxt: RequestContext, instance: Instance) -> bool:
    """After a restart: go on with a server that is being put away or taken out; whether it was."""
    step = _STEPS.get(instance.task_state or "")
    if step is None:
        return False
    LOG.info("The last run left %s half done [instance: %s]", instance.task_state, instance.uuid)
    host.submit(ctxt, lambda: step(host, ctxt, instance))
    return True


def offload_old(host: Host, ctxt: RequestContext) -> None:
    """Let those leave that have been shelved for as long as ``[compute] shelved_offload_time`` says."""
    seconds = host.conf.compute.shelved_offload_time
    if seconds < 0:
        return
    oldest = now() - timedelta(seconds=seconds)
    for instance in host.conductor.instances_on_host(ctxt, host.name):
        since = parse(instance.system_metadata.get(AT, ""))
        if instance.vm_state != VM.SHELVED or instance.task_state is not None or since is None or since > oldest:
            continue
        begin = InstanceUpdate(
            uuid=instance.uuid,
            changes={"task_state": Task.SHELVING_OFFLOADING},
            expected_task_states=(None,),
            expected_vm_states=(VM.SHELVED,),
            expected_host=host.name,
        )
        with suppress(*SUPERSEDED):
            offload(host, ctxt, host.update_instance(ctxt, begin))
