# SPDX-License-Identifier: Apache-2.0
"""Making a server: network, then guest; undone in reverse when it fails, and handed back for another host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute import plugging
from minicloud.compute.host import Host
from minicloud.compute.manager import nodes, sync
from minicloud.compute.manager.base import SUPERSEDED, Endpoint, failed, fault, is_unexpected
from minicloud.compute.orders import spawn_order, wants_config_drive
from minicloud.context import RequestContext
from minicloud.objects import HostChoice, Instance, InstanceUpdate, RequestSpec, Vif
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM, Power, Task
from minicloud.virt.driver import Cancelled, Order
from minicloud.virt.stages import Stages
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

EVENT = "compute__do_build_and_run_instance"

#: Task states of a build that this host has begun.
BEGUN = (Task.NETWORKING, Task.BLOCK_DEVICE_MAPPING, Task.SPAWNING)

#: What a server is that nobody will build; without a host, so that its claim is given back.
FAILED: Mapping[str, Any] = MappingProxyType(
    {
        "vm_state": VM.ERROR,
        "task_state": None,
        "power_state": int(Power.NOSTATE),
        "network_info": (),
        "host": None,
        "node": None,
    }
)


class BuildEndpoint(Endpoint):
    STUB = ComputeStub

    def build_instance(
        self,
        ctxt: RequestContext,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        admin_password: str | None = None,
    ) -> None:
        """Begin at once, so that a restart knows the build was ours; then work in a thread of the host."""
        if instance.uuid in self._host.building:
            LOG.info("Built already [instance: %s]", instance.uuid)
            return
        self._host.building.add(instance.uuid)
        try:
            begun = self._host.update_instance(ctxt, _begin(self._host, instance, spec))
        except Exception as error:
            self._host.building.discard(instance.uuid)
            if not isinstance(error, SUPERSEDED):
                raise  # the reconciler ends what never began
            LOG.info("Not built: %s [instance: %s]", error, instance.uuid)
            return
        self._host.submit(ctxt, Build(self._host, ctxt, begun, spec, alternates, admin_password).run)


def _begin(host: Host, instance: Instance, spec: RequestSpec) -> InstanceUpdate:
    changes: dict[str, Any] = {"task_state": Task.NETWORKING}
    # Whatever happens next, a delete must know which ports are not ours to remove.
    if given := _given_ports(spec):
        changes["network_info"] = [
            Vif(port_id=port, network_id="", network_name="", mac_address="", created_by_compute=False)
            for port in given
        ]
    return InstanceUpdate(
        uuid=instance.uuid,
        changes=changes,
        expected_task_states=(Task.SCHEDULING,),
        expected_vm_states=(VM.BUILDING,),
        expected_host=host.name,
        start_event=EVENT,
    )


def _given_ports(spec: RequestSpec) -> list[str]:
    return [request.port_id for request in spec.requested_networks if request.port_id]


class Build:
    """One build on this host."""

    def __init__(
        self,
        host: Host,
        ctxt: RequestContext,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        admin_password: str | None = None,
    ) -> None:
        self._host = host
        self._ctxt = ctxt
        self._instance = instance
        self._spec = spec
        self._alternates = alternates
        self._admin_password = admin_password
        #: What takes back the steps taken so far, in their order.
        self._undo: list[tuple[str, Callable[[], None]]] = []
        self._stages = Stages()

    def run(self) -> None:
        self._stages.since_start("waiting")
        try:
            if self._run():
                nodes.build_ended(self._host, self._ctxt, succeeded=True)
        finally:
            self._host.building.discard(self._instance.uuid)

    def _run(self) -> bool:
        """Whether there is a new server."""
        with self._host.locks.hold(self._instance.uuid, "build") as cancelled:
            try:
                self._execute(cancelled)
            except Exception as error:
                if cancelled.is_set() and self._host.stopping.is_set():
                    LOG.info("Build left to the next start [instance: %s]", self._instance.uuid)
                else:
                    self._give_up(error)
                return False
        LOG.info("Built in %s [instance: %s]", self._stages, self._instance.uuid)
        return True

    def _execute(self, cancelled: threading.Event) -> None:
        with self._stages.of("network"):
            vifs = self._plug_in()
        _check(cancelled)
        spawning = self._update(self._spawning(vifs), Task.NETWORKING)
        self._undo.append(("guest", self._destroy_guest))
        order = spawn_order(
            self._host,
            self._ctxt,
            Order(spawning, cancelled),
            purpose="build",
            vifs=tuple(vifs),
            attempt=max(1, self._spec.attempts),
            admin_password=self._admin_password,
            stages=self._stages,
        )
        with plugging.expected(self._host, self._ctxt, order, vifs) as plugged:
            self._host.driver.spawn(order)
            _check(cancelled)
            with self._stages.of("ports up"):
                now_vifs = plugged()
        built: dict[str, Any] = {
            "vm_state": VM.ACTIVE,
            "task_state": None,
            "power_state": int(self._host.driver.power_state(spawning.uuid)),
            "launched_at": now(),
        }
        if now_vifs != vifs:
            built["network_info"] = now_vifs
        self._update(built, Task.SPAWNING, finish_event=EVENT, finish_action=True)

    def _spawning(self, vifs: list[Vif]) -> dict[str, Any]:
        changes: dict[str, Any] = {"task_state": Task.SPAWNING, "network_info": vifs}
        # The record shows it also when not its owner asked for it.
        if not self._instance.config_drive and wants_config_drive(self._host.conf, self._instance):
            changes["config_drive"] = True
        return changes

    def _plug_in(self) -> list[Vif]:
        if self._spec.network_mode == "none":
            return []
        self._undo.append(("network", self._plug_out))
        return self._host.network.allocate(
            self._ctxt,
            self._host.port_owner(self._instance),
            list(self._spec.requested_networks),
            list(self._spec.security_groups),
        )

    def _plug_out(self) -> None:
        self._host.network.deallocate(self._ctxt, self._instance.uuid, _given_ports(self._spec))

    def _destroy_guest(self) -> None:
        sync.remove(self._host, Order(self._instance, threading.Event()))

    def _update(self, changes: dict[str, Any], *expected: str, **more: Any) -> Instance:
        step = InstanceUpdate(
            uuid=self._instance.uuid,
            changes=changes,
            expected_task_states=expected,
            expected_host=self._host.name,
            **more,
        )
        return self._host.update_instance(self._ctxt, step)

    # --- when it fails ---------------------------------------------------------------------

    def _give_up(self, error: Exception) -> None:
        """Undo, then hand back or end: after this the server is somebody else's, deleted or in ERROR."""
        if isinstance(error, (Cancelled, *SUPERSEDED)):
            LOG.info("Build is not wanted any more: %s [instance: %s]", error, self._instance.uuid)
            self._roll_back()
            self._end_quietly(error)
            return
        LOG.warning("Build failed: %s [instance: %s]", error, self._instance.uuid, exc_info=is_unexpected(error))
        self._roll_back()
        try:
            if _is_final(error):
                self._fail(error)
            else:
                self._hand_back(error)
        except SUPERSEDED as other:
            LOG.info("Failed build is superseded: %s [instance: %s]", other, self._instance.uuid)

    def _roll_back(self) -> None:
        for name, undo in reversed(self._undo):
            try:
                undo()
            except Exception:
                # A delete of the server tries again; the rest must be undone all the same.
                LOG.exception("Could not undo the %s of a build [instance: %s]", name, self._instance.uuid)

    def _end_quietly(self, error: Exception) -> None:
        step = InstanceUpdate(
            uuid=self._instance.uuid,
            finish_event=EVENT,
            event_result="Error",
            event_details=str(error),
            finish_action=True,
        )
        try:
            self._host.update_instance(self._ctxt, step)
        except SUPERSEDED:
            pass  # deleted, and its actions ended, meanwhile

    def _fail(self, error: Exception) -> None:
        self._update(dict(FAILED), *BEGUN, fault=fault(error), finish_action=True, **failed(EVENT, error))

    def _hand_back(self, error: Exception) -> None:
        changes: dict[str, Any] = {"task_state": Task.SCHEDULING, "network_info": []}
        after = self._update(changes, *BEGUN, **failed(EVENT, error))
        self._host.scheduler.retry_build(
            self._ctxt, after, self._spec, self._alternates, self._host.name, _reason(error), self._admin_password
        )
        nodes.build_ended(self._host, self._ctxt, succeeded=False)


def _check(cancelled: threading.Event) -> None:
    if cancelled.is_set():
        raise Cancelled()


def _is_final(error: Exception) -> bool:
    """Whether no other host would do better: the request itself cannot be met."""
    if isinstance(error, exception.BuildAborted):
        return True
    return isinstance(error, exception.MinicloudError) and 400 <= error.code < 500


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
