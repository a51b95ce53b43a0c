# SPDX-License-Identifier: Apache-2.0
"""What all tasks share that find another host for a server that is there.

``find`` makes sure that the server still waits for it, ``choose`` picks and claims. What a
move holds at its source meanwhile belongs to the migration's uuid, so that source and
destination are both counted.
"""

from __future__ import annotations

import sys
import time
import uuid
from abc import abstractmethod
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.cells import Cell
from minicloud.context import RequestContext
from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances, moves
from minicloud.db.session import Connection, retry_on_deadlock
from minicloud.objects import Fault, Flavor, HostReason, Instance, Migration, RequestSpec
from minicloud.placement import claims
from minicloud.placement.claims import Claim, Outcome
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.selection import Pick
from minicloud.scheduler.tasks.base import EVENT, Environment, Over, Task
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: Refused claims after which there is no host.
ROUNDS = 20


class Lost(exception.MinicloudError):
    template = "No host was found for it in time: the scheduler was stopped, or hosts were slow to answer. Ask again."


class MoveTask(Task):
    """One server that needs a host."""

    #: Task state in which the server waits for it.
    WAITS = ""
    #: Fields that change when there is no host for it.
    FAILED: dict[str, Any] = {}

    def __init__(self, env: Environment, ctxt: RequestContext, server: str) -> None:
        super().__init__(env)
        self._ctxt = ctxt
        self._uuid = server
        # Known before anything is written: who finds this half done can tell what the migration holds.
        self._migration_uuid = str(uuid.uuid5(uuid.UUID(server), ctxt.request_id))
        self._pick: Pick | None = None
        self._reason = ""

    # --- find ---

    @abstractmethod
    def find(self) -> None:
        """
        :raises Over: when it does not wait for this any more
        """

    def _locate(self) -> RequestSpec:
        """Set cell and instance.

        :returns: what the server asks of a host
        :raises Over: when it does not wait for this any more
        """
        with self.env.api_db.reader() as conn:
            cell_uuid = mappings.cells_of(conn, [self._uuid]).get(self._uuid)
            spec = build_requests.spec(conn, self._uuid)
        if cell_uuid is None or spec is None:
            raise Over(f"[instance: {self._uuid}] is in no cell")
        self._cell: Cell = self.env.cells.get(cell_uuid)
        with self._cell.db.reader() as conn:
            try:
                self._instance: Instance = instances.get(conn, self._uuid)
            except exception.InstanceNotFound:
                raise Over(f"[instance: {self._uuid}] is gone") from None
            begun = moves.open_of(conn, self._uuid)
        if self._instance.task_state != self.WAITS or begun is not None:
            raise Over(f"[instance: {self._uuid}] is {self._instance.task_state}: nothing to do")
        return spec

    # --- choose ---

    def _choose(self, spec: RequestSpec, *, forced: bool = False) -> HostState:
        """Pick and claim.

        :param forced: filters are not asked, only whether there is room
        :raises NoValidHost: when nobody can have it
        """
        self.env.view.look()
        looked = False
        for _ in range(ROUNDS):
            began = time.monotonic()
            request = self.env.request(spec, self._cell.uuid, (self._uuid,))
            request.is_forced = forced
            with self.env.view.lock:
                (pick,) = self.env.selector.pick(self.env.view.hosts(), request, [self._uuid])
            if pick.host is None:
                self._keep_reasons(pick.reasons)
                if looked:
                    break
                self.env.view.refresh(since=began)
                looked = True
            elif self._claim(pick, request):
                self._pick = pick
                return pick.host
        raise exception.NoValidHost(reason="There are not enough hosts available.")

    def _keep_reasons(self, reasons: tuple[HostReason, ...]) -> None:
        self._reason = "\n".join(f"{one.host}: {one.step}: {one.reason}" for one in reasons)

    def _claim(self, pick: Pick, request: Request) -> bool:
        assert pick.host is not None
        wish = Claim(self._uuid, request.spec.project_id, pick.host.provider.uuid, request.wanted)
        outcome = self._claim_once(wish)
        if self._uuid in outcome.won:
            return True
        with self.env.view.lock:
            pick.host.give_back(self._uuid, request.wanted)
            self.env.view.correct(outcome.usages)
        return False

    @retry_on_deadlock
    def _claim_once(self, wish: Claim) -> Outcome:
        with self.env.api_db.writer() as conn:
            mapping = mappings.lock(conn, self._uuid)
            if mapping is None or mapping.queued_for_delete:
                raise Over(f"[instance: {self._uuid}] was deleted meanwhile")
            return self._take(conn, wish)

    def _take(self, conn: Connection, wish: Claim) -> Outcome:
        """The migration holds what the server has; the server gets the new."""
        placement_db.rename_consumer(conn, self._uuid, self._migration_uuid, now())
        outcome = claims.claim(conn, [wish], now())
        if self._uuid not in outcome.won:
            placement_db.rename_consumer(conn, self._migration_uuid, self._uuid, now())
        return outcome

    # --- record ---

    def _new_migration(self, kind: str, status: str, flavor: Flavor) -> Migration:
        one, pick = self._instance, self._pick
        assert pick is not None and pick.host is not None
        return Migration(
            uuid=self._migration_uuid,
            instance_uuid=self._uuid,
            migration_type=kind,
            status=status,
            source_compute=str(one.host),
            source_node=str(one.node),
            dest_compute=pick.host.host,
            dest_node=pick.host.name,
            old_flavor=one.flavor,
            new_flavor=flavor,
            old_vm_state=one.vm_state,
            user_id=self._ctxt.user_id,
            project_id=self._ctxt.project_id,
        )

    def _record(self, migration: Migration | None, **changes: Any) -> Instance:
        """Write the migration, with the event, if the server still waits for it."""
        with self._cell.db.writer() as conn:
            after = instances.update(
                conn,
                self._uuid,
                now(),
                expected_task_states=[self.WAITS],
                expected_vm_states=[self._instance.vm_state],
                **changes,
            )
            if migration is not None:
                moves.create(conn, migration, now())
            self._record_choice(conn)
        return after

    def _record_choice(self, conn: Connection, **failure: str | None) -> None:
        """As an event of the action that is going on."""
        for action in actions.list_for(conn, self._uuid, limit=1):
            if action.finish_time is None:
                actions.record_event(conn, self._uuid, action.request_id, EVENT, self.env.name, now(), **failure)

    # --- when it fails ---

    def rollback(self) -> None:
        self._unclaim()
        self._fail(sys.exc_info()[1])

    def abandon(self) -> None:
        """End what nobody is at any more: the message was lost, or a scheduler killed before it had recorded a host.

        Safe when somebody is: whoever swaps the task state first decides.
        """
        try:
            self.find()
        except Over as end:
            LOG.info("%s", end)
            return
        self._unclaim()
        self._fail(Lost())

    def _unclaim(self) -> None:
        """The server has what it had."""
        settle(self.env, self._uuid, self._migration_uuid, arrived=False, flavor=self._instance.flavor)
        self._pick = None

    def _fail(self, error: BaseException | None) -> None:
        """The server is as :attr:`FAILED` says; its fault and the action say why."""
        refused = isinstance(error, exception.MinicloudError) and not isinstance(error, exception.NoValidHost)
        none = exception.NoValidHost(reason="There are not enough hosts available.")
        message = str(error if refused else none)
        fault = Fault(code=500, message=message[:255], details=self._reason, created_at=now())
        LOG.warning("[instance: %s] cannot be moved: %s %s", self._uuid, message, self._reason)
        with self._cell.db.writer() as conn:
            moves.change(conn, self._migration_uuid, moves.OPEN, "error", now())
            try:
                waiting = [self.WAITS]
                changes = {"task_state": None, "fault": fault, **self.FAILED}
                instances.update(conn, self._uuid, now(), expected_task_states=waiting, **changes)
            except (exception.UnexpectedState, exception.InstanceNotFound):
                return
            self._record_choice(conn, details=message[:255], traceback=self._reason or None)
            actions.finish_open(conn, self._uuid, message, now())


@retry_on_deadlock
def settle(env: Environment, uuid: str, migration_uuid: str, *, arrived: bool, flavor: Flavor) -> None:
    """Give back one of the two claims of a server that was on its way. Idempotent.

    :param arrived: whether it keeps what it has at its destination
    :param flavor: what it is from now on
    """
    with env.api_db.writer() as conn:
        mapping = mappings.lock(conn, uuid)
        if arrived:
            claims.release(conn, [migration_uuid])
        elif placement_db.providers_of(conn, [migration_uuid]):
            claims.release(conn, [uuid])
            placement_db.rename_consumer(conn, migration_uuid, uuid, now())
        if mapping is not None:
            mappings.set_size(conn, uuid, flavor.vcpus, flavor.memory_mb)
        spec = build_requests.spec(conn, uuid)
        if spec is not None and spec.flavor != flavor:
            build_requests.save_spec(conn, uuid, spec.replace(flavor=flavor))
    env.view.refresh()
