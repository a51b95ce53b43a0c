# SPDX-License-Identifier: Apache-2.0
"""A host could not build a server: another host of its cell, or the end.

``find`` makes sure that the failed host still owns the server, ``choose`` moves the claim in
one transaction, ``update`` moves the instance by compare-and-swap, ``send`` tells the new
host. A kill after ``choose`` leaves a claim on a host other than the instance's, which the
recovery takes as decided.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from oslo_log import log as logging

from minicloud import exception, states
from minicloud.cells import Cell
from minicloud.context import RequestContext
from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances
from minicloud.db.session import retry_on_deadlock
from minicloud.objects import Decision, Fault, HostChoice, HostReason, Instance, InstanceUpdate, RequestSpec
from minicloud.placement import claims
from minicloud.placement.claims import Claim, Outcome
from minicloud.scheduler.selection import Pick
from minicloud.scheduler.tasks.base import EVENT, Environment, Over, Step, Task
from minicloud.scheduler.tasks.release import give_back
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: Refused claims after which there is no other host.
ROUNDS = 20


class RetryTask(Task):
    """Find another host for one server."""

    def __init__(
        self,
        env: Environment,
        ctxt: RequestContext,
        uuid: str,
        spec: RequestSpec,
        admin_password: str | None = None,
    ) -> None:
        super().__init__(env)
        self._admin_password = admin_password
        self._ctxt = ctxt
        self._uuid = uuid
        self._spec = spec
        self._failed_host = ""
        self._reason = ""
        self._alternates: list[HostChoice] = []
        self._attempt = spec.attempts + 1
        self._pick: Pick | None = None
        self._reasons: tuple[HostReason, ...] = ()
        self._updated = False

    def after(self, failed_host: str, reason: str, alternates: Sequence[HostChoice] = ()) -> RetryTask:
        """What happened: shown in the fault when there is no other host."""
        self._failed_host = failed_host
        self._reason = reason
        self._alternates = list(alternates)
        self._spec = self._spec.replace(ignore_hosts=tuple({*self._spec.ignore_hosts, failed_host}))
        return self

    def steps(self) -> tuple[Step, ...]:
        return (self.find, self.choose, self.update, self.send)

    def rollback(self) -> None:
        """Give back the new claim; the instance stays with the failed host until the recovery or its deadline."""
        if self._pick is not None and not self._updated:
            give_back(self.env, [self._uuid])

    # --- step 1 ---

    def find(self) -> None:
        """The instance, if it still is the failed host's and being built."""
        with self.env.api_db.reader() as conn:
            cell_uuid = mappings.cells_of(conn, [self._uuid]).get(self._uuid)
        if cell_uuid is None:
            raise Over(f"[instance: {self._uuid}] is in no cell")
        self._cell: Cell = self.env.cells.get(cell_uuid)
        with self._cell.db.reader() as conn:
            try:
                self._instance: Instance = instances.get(conn, self._uuid)
            except exception.InstanceNotFound:
                raise Over(f"[instance: {self._uuid}] is gone") from None
        one = self._instance
        if one.host != self._failed_host or one.vm_state != states.VM.BUILDING or one.task_state not in _UNFINISHED:
            raise Over(f"[instance: {self._uuid}] is {one.vm_state}, {one.task_state} on {one.host}: nothing to retry")

    # --- step 2 ---

    def choose(self) -> None:
        """Move the claim to the first host that can have it; none is left when all attempts are used up."""
        if self._attempt > self.env.conf.scheduler.max_attempts:
            return
        self._request = self.env.request(self._spec, self._cell.uuid, (self._uuid,))
        self.env.view.look()
        for pick in self._picks():
            outcome = self._claim(pick)
            if self._uuid in outcome.won:
                self._pick = pick
                self._leave_failed_host()
                return
            assert pick.host is not None
            with self.env.view.lock:
                pick.host.give_back(self._uuid, self._request.wanted)
                self.env.view.correct(outcome.usages)

    def _leave_failed_host(self) -> None:
        with self.env.view.lock:
            for host in self.env.view.hosts():
                if host.host == self._failed_host and self._uuid in host.instances:
                    host.give_back(self._uuid, self._request.wanted)

    def _picks(self) -> Iterator[Pick]:
        """Hosts counted as taken, best first: the alternates that still may, then whatever passes."""
        while self._alternates:
            choice = self._alternates.pop(0)
            with self.env.view.lock:
                host = self.env.view.by_provider(choice.provider_uuid)
                if host is None or not self.env.selector.passes(host, self._request):
                    continue
                host.consume(self._uuid, self._spec.project_id, self._request.wanted)
            yield Pick(self._uuid, host, alternates=tuple(self._alternates))
        looked = False
        for _ in range(ROUNDS):
            began = time.monotonic()
            with self.env.view.lock:
                (pick,) = self.env.selector.pick(self.env.view.hosts(), self._request, [self._uuid])
            self._reasons = pick.reasons
            if pick.host is not None:
                yield pick
                self._request = self.env.request(self._spec, self._cell.uuid, (self._uuid,))
            elif looked:
                return
            else:
                self.env.view.refresh(since=began)
                looked = True

    @retry_on_deadlock
    def _claim(self, pick: Pick) -> Outcome:
        assert pick.host is not None
        wish = Claim(self._uuid, self._spec.project_id, pick.host.provider.uuid, self._request.wanted)
        with self.env.api_db.writer() as conn:
            mapping = mappings.lock(conn, self._uuid)
            if mapping is None or mapping.queued_for_delete:
                raise Over(f"[instance: {self._uuid}] was deleted meanwhile")
            held = placement_db.providers_of(conn, [self._uuid]).get(self._uuid)
            for provider in placement_db.providers(conn, uuid=held) if held else ():
                if provider.host != self._failed_host:
                    raise Over(f"[instance: {self._uuid}] already has a claim on {provider.host}")
            claims.release(conn, [self._uuid])
            return claims.claim(conn, [wish], now(), self._request.group)

    # --- step 3 ---

    def update(self) -> None:
        """Give the instance its new host, or bury it; only while nobody else changed it."""
        try:
            with self._cell.db.writer() as conn:
                change = self._burial() if self._pick is None else self._move(self._pick)
                self._instance = instances.apply(conn, change, self._ctxt.request_id, now())
                if self._pick is None:
                    actions.finish_open(conn, self._uuid, actions.ERROR, now())
                else:
                    ended = InstanceUpdate(uuid=self._uuid, finish_event=EVENT)
                    actions.step(conn, ended, self._ctxt.request_id, None, now())
        except (exception.UnexpectedState, exception.InstanceNotFound) as error:
            self.rollback()
            raise Over(f"[instance: {self._uuid}] changed meanwhile: {error}") from None
        self._updated = True
        self._record()
        if self._pick is None:
            LOG.warning("[instance: %s] no other host: %s", self._uuid, self._reason)
            give_back(self.env, [self._uuid])

    def _move(self, pick: Pick) -> InstanceUpdate:
        host = pick.host
        assert host is not None
        changes: dict[str, str | None] = {
            "host": host.host,
            "node": host.name,
            "availability_zone": host.zone,
            "task_state": states.Task.SCHEDULING,
        }
        return self._swap(changes).replace(start_event=EVENT)

    def _burial(self) -> InstanceUpdate:
        lines = [self._reason, *(f"{one.host}: {one.step}: {one.reason}" for one in self._reasons)]
        fault = Fault(
            code=500,
            message=str(exception.MaxRetriesExceeded(instance_uuid=self._uuid)),
            details="\n".join(lines),
            created_at=now(),
        )
        changes = {"vm_state": states.VM.ERROR, "task_state": None, "host": None, "node": None}
        return self._swap(changes).replace(fault=fault)

    def _swap(self, changes: dict[str, str | None]) -> InstanceUpdate:
        return InstanceUpdate(
            uuid=self._uuid,
            changes=changes,
            expected_host=self._failed_host,
            expected_vm_states=(states.VM.BUILDING,),
            expected_task_states=tuple(_UNFINISHED),
        )

    def _record(self) -> None:
        failed = HostReason(host=self._failed_host, step="build", reason=self._reason[:1000])
        decision = Decision(
            instance_uuid=self._uuid,
            chosen=None if self._pick is None or self._pick.host is None else self._pick.host.name,
            weight=None if self._pick is None else self._pick.weight,
            reasons=(failed, *self._reasons),
            attempt=self._attempt,
        )
        with self.env.api_db.writer() as conn:
            build_requests.record(conn, [decision], now())

    # --- step 4 ---

    def send(self) -> None:
        """Tell the new host."""
        if self._pick is None or self._pick.host is None or self._cell.compute is None:
            return
        LOG.info("[instance: %s] goes to %s, attempt %s", self._uuid, self._pick.host.host, self._attempt)
        self._cell.compute.build_instance(
            self._ctxt,
            self._pick.host.host,
            self._instance,
            self._spec.replace(attempts=self._attempt),
            list(self._pick.alternates),
            self._admin_password,
        )


#: Task states in which a failed host leaves a server; in another, it or a successor is at work.
_UNFINISHED: frozenset[str | None] = frozenset({states.Task.SCHEDULING})
