# SPDX-License-Identifier: Apache-2.0
"""What all short verbs on a guest have in common: begin, do, record how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager.base import SUPERSEDED, failed, fault, is_unexpected
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.states import VM, Power
from minicloud.virt.driver import Cancelled, Order
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)


#: What a server is, by what its guest is.
VM_STATE = {
    Power.RUNNING: VM.ACTIVE,
    Power.SHUTDOWN: VM.STOPPED,
    Power.CRASHED: VM.STOPPED,
    Power.PAUSED: VM.PAUSED,
    Power.SUSPENDED: VM.SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class Verb:
    """One row: a verb's name in the actions' log, and the states it goes through."""

    event: str
    #: Task states in which it may run; the API has set one of them.
    running: tuple[str, ...]
    #: vm_state when it is done; None: the one that the guest's power stands for.
    done: str | None
    #: Whether the guest is a new one.
    launches: bool = False
    #: Whether a failure leaves the server as it was.
    is_harmless: bool = False


def submit(host: Host, ctxt: RequestContext, instance: Instance, verb: Verb, work: Callable[[Order], None]) -> None:
    """Run a verb soon, in a thread of the host."""
    host.submit(ctxt, lambda: run(host, ctxt, instance, verb, work))


def run(host: Host, ctxt: RequestContext, instance: Instance, verb: Verb, work: Callable[[Order], None]) -> None:
    """Run a verb now. Nothing happens when the server is not, or no more, waiting for it."""
    with host.locks.hold(instance.uuid, verb.event) as cancelled:
        begin = InstanceUpdate(
            uuid=instance.uuid, expected_task_states=verb.running, expected_host=host.name, start_event=verb.event
        )
        try:
            current = host.update_instance(ctxt, begin)
        except SUPERSEDED as error:
            LOG.info("%s is not wanted any more: %s [instance: %s]", verb.event, error, instance.uuid)
            return
        try:
            work(Order(current, cancelled))
            ended = _succeeded(host, current, verb)
            LOG.info("%s is done [instance: %s]", verb.event, current.uuid)
        except Cancelled as error:
            if host.stopping.is_set():
                return  # the next start finds it half done
            ended = InstanceUpdate(uuid=current.uuid, finish_action=True, **failed(verb.event, error))
        except Exception as error:
            LOG.warning("%s failed: %s [instance: %s]", verb.event, error, current.uuid, exc_info=is_unexpected(error))
            ended = _failed(host, current, verb, error)
        _record(host, ctxt, ended)


def _succeeded(host: Host, instance: Instance, verb: Verb) -> InstanceUpdate:
    power = host.driver.power_state(instance.uuid)
    changes: dict[str, Any] = {"task_state": None, "power_state": int(power)}
    changes["vm_state"] = verb.done or VM_STATE[power]
    if verb.launches:
        changes["launched_at"] = now()
    return InstanceUpdate(
        uuid=instance.uuid,
        changes=changes,
        expected_task_states=verb.running,
        expected_host=host.name,
        finish_event=verb.event,
        finish_action=True,
    )


def _failed(host: Host, instance: Instance, verb: Verb, error: Exception) -> InstanceUpdate:
    """What a driver cannot do at all, or cannot do now, leaves the server as it was; other failures mean ERROR."""
    changes: dict[str, Any] = {"task_state": None, **power_change(host, instance.uuid)}
    if not (verb.is_harmless or isinstance(error, exception.NotSupported | exception.HypervisorAway)):
        changes["vm_state"] = VM.ERROR
    return InstanceUpdate(
        uuid=instance.uuid,
        changes=changes,
        expected_task_states=verb.running,
        expected_host=host.name,
        fault=fault(error),
        finish_action=True,
        **failed(verb.event, error),
    )


def power_of(host: Host, uuid: str) -> Power:
    """The real power state; NOSTATE when there is no guest."""
    try:
        return host.driver.power_state(uuid)
    except exception.GuestNotFound:
        return Power.NOSTATE


def power_change(host: Host, uuid: str) -> dict[str, Any]:
    """The real power state, as a change of a record; nothing while nobody can tell: the next sync will."""
    try:
        return {"power_state": int(power_of(host, uuid))}
    except exception.VirtError as error:
        LOG.info("The power state is not known now: %s [instance: %s]", error, uuid)
        return {}


def _record(host: Host, ctxt: RequestContext, ended: InstanceUpdate) -> None:
    try:
        host.update_instance(ctxt, ended)
    except SUPERSEDED as error:
        LOG.info("Result is not recorded, since the server is another's: %s [instance: %s]", error, ended.uuid)
