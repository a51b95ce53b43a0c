# SPDX-License-Identifier: Apache-2.0
"""Ends what is overdue, so that no server is stuck for ever.

Several conductors may look at the same time: who moves a server's deadline, by
compare-and-swap, deals with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import context, exception
from minicloud.context import RequestContext
from minicloud.db.cell import actions, instances, moves, services
from minicloud.db.session import Database, retry_on_deadlock
from minicloud.objects import Fault, Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.states import VM, Task
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)


class Ports(Protocol):
    """What the reconciler asks of the network service."""

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None: ...


class Reconciler:
    """Of one cell."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        db: Database,
        compute: ComputeStub,
        scheduler: SchedulerStub,
        ports: Ports | None = None,
    ) -> None:
        """
        :param ports: who removes the ports of servers whose host is gone; without it they stay
        """
        self._conf = conf
        self._db = db
        self._compute = compute
        self._scheduler = scheduler
        self._ports = ports

    def run(self) -> None:
        """Deal with all that is overdue now."""
        ctxt = context.admin()
        with self._db.reader() as conn:
            found = instances.overdue(conn, now())
        for instance in found:
            try:
                self._deal_with(ctxt, instance)
            except Exception:
                LOG.exception("Overdue, but could not be ended [instance: %s]", instance.uuid)

    def _deal_with(self, ctxt: RequestContext, instance: Instance) -> None:
        if instance.task_state != Task.DELETING:
            if self._fail(instance):
                self._end_move(ctxt, instance)
        elif self._is_up(instance.host):
            if self._claim(instance):
                LOG.warning("Delete is overdue and sent again to %s [instance: %s]", instance.host, instance.uuid)
                self._compute.delete_instance(ctxt, str(instance.host), instance)
        elif self._destroy(instance):
            LOG.warning("Delete is overdue and host %s is gone: deleted [instance: %s]", instance.host, instance.uuid)
            self._scheduler.release(ctxt, instance.uuid)
            if self._ports is not None:
                kept = [vif.port_id for vif in instance.network_info if not vif.created_by_compute]
                self._ports.deallocate(ctxt, instance.uuid, kept)
            self._tell_later(ctxt, instance)

    def _end_move(self, ctxt: RequestContext, instance: Instance) -> None:
        """What is claimed at the host where the server is not is given back.

        Resizes stay open: they keep a guest for the way back, which only a delete ends.
        """
        with self._db.reader() as conn:
            migration = moves.open_of(conn, instance.uuid)
        if migration is None or migration.migration_type not in ("live-migration", "evacuation"):
            return
        self._scheduler.migration_ended(ctxt, migration, instance.host == migration.dest_compute)
        with self._db.writer() as conn:
            moves.change(conn, migration.uuid, moves.OPEN, "error", now())

    def _tell_later(self, ctxt: RequestContext, instance: Instance) -> None:
        """A host that only seems to be gone, or comes back without a restart, has the guest still."""
        if instance.host is None:
            return
        try:
            self._compute.delete_instance(ctxt, instance.host, instance)
        except exception.ServiceUnavailable as error:
            LOG.warning("Host %s learns at its start: %s [instance: %s]", instance.host, error, instance.uuid)

    def _is_up(self, host: str | None) -> bool:
        with self._db.reader() as conn:
            found = services.find(conn, host=host, binary="minicloud-compute") if host else []
        oldest = now() - timedelta(seconds=self._conf.service_down_time)
        return any(not one.forced_down and (one.last_seen_up or datetime.min) >= oldest for one in found)

    @retry_on_deadlock
    def _claim(self, instance: Instance) -> bool:
        with self._db.writer() as conn:
            return instances.claim_overdue(conn, instance, now())

    @retry_on_deadlock
    def _destroy(self, instance: Instance) -> bool:
        moment = now()
        with self._db.writer() as conn:
            if not instances.claim_overdue(conn, instance, moment):
                return False
            instances.destroy(conn, instance.uuid, moment)
            actions.finish_for_deleted(conn, instance.uuid, moment)
            return True

    @retry_on_deadlock
    def _fail(self, instance: Instance) -> bool:
        """Whether it was overdue still."""
        moment = now()
        with self._db.writer() as conn:
            if not instances.claim_overdue(conn, instance, moment):
                return False
            waited = int((moment - (instance.updated_at or instance.created_at or moment)).total_seconds())
            reason = f"{instance.task_state} took longer than {waited} s"
            event = actions.finish_open(conn, instance.uuid, reason, moment)
            message = f"{reason}; the last event was {event or 'none'}, on host {instance.host}."
            LOG.warning("%s [instance: %s]", message, instance.uuid)
            instances.update(
                conn,
                instance.uuid,
                moment,
                task_state=None,
                fault=Fault(code=500, message=message, created_at=moment),
                **_left(instance),
            )
        return True


def _left(instance: Instance) -> dict[str, str | None]:
    """What a server is whose task never ended.

    One that no host could take out of its image is still in there, and may be tried again.
    """
    if instance.vm_state == VM.SHELVED_OFFLOADED:
        return {"host": None, "node": None}
    return {"vm_state": VM.ERROR}
