# SPDX-License-Identifier: Apache-2.0
"""From build requests to instances on hosts, for all servers of one request at once.

The order makes a kill at any point recoverable. ``place`` claims hosts while the build
requests still stand; ``write`` makes the instances in their cell; ``settle`` maps them there
and deletes the build requests, in one transaction, which is the moment that decides;
``send`` tells the hosts. Until ``settle`` a build request is enough to do all of it again,
finding the claim and the instance that are there; afterwards the instance, still
``scheduling``, is enough to send again.

Two schedulers may work on one build request (a message that came late, a recovery): a
second one keeps the first one's claim, and whoever finds the build request gone in
``settle`` has lost, and removes only what the winner does not use. A user who deletes a
server before it has a host deletes the build request, and so wins in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oslo_log import log as logging

from minicloud import states
from minicloud.context import RequestContext
from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances
from minicloud.db.session import retry_on_deadlock
from minicloud.exception import BuildAborted, NoValidHost, ServiceUnavailable
from minicloud.objects import (
    CELL0_UUID,
    ActionEvent,
    BuildRequest,
    Decision,
    Fault,
    HostChoice,
    Instance,
)
from minicloud.placement import claims
from minicloud.placement.claims import Claim, Outcome
from minicloud.scheduler.selection import Pick
from minicloud.scheduler.tasks.base import EVENT, Environment, Over, Step, Task
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: Refused claims after which a server is told that there is no host; each refusal is another's progress.
ROUNDS = 50

NO_HOST = str(NoValidHost(reason="There are not enough hosts available."))


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one server goes; no choice: nowhere, to cell0."""

    instance: Instance
    choice: HostChoice | None
    decision: Decision
    alternates: tuple[HostChoice, ...] = ()

    @property
    def uuid(self) -> str:
        return self.instance.uuid

    @property
    def cell_uuid(self) -> str:
        return CELL0_UUID if self.choice is None else self.choice.cell_uuid


class BuildTask(Task):
    """Build all servers of one request."""

    def __init__(
        self,
        env: Environment,
        ctxt: RequestContext,
        requests: Sequence[BuildRequest],
        *,
        again: bool = False,
        admin_password: str | None = None,
    ) -> None:
        """
        :param requests: of equal spec
        :param again: it may have been begun before, by somebody who was killed
        """
        super().__init__(env)
        self._ctxt = ctxt
        self._admin_password = admin_password
        self._again = again
        self._requests = {one.instance.uuid: one for one in requests}
        self._spec = requests[0].spec.replace(attempts=max(1, requests[0].spec.attempts))
        self._started = now()
        self._request = env.request(self._spec, without=tuple(self._requests))
        #: Not yet placed.
        self._waiting = list(self._requests)
        self._placed: list[Placement] = []
        #: Claims made here; those of another stay with the other.
        self._claimed: set[str] = set()
        self._settled: list[Placement] = []

    def steps(self) -> tuple[Step, ...]:
        return (self.place, self.write, self.settle, self.send)

    def rollback(self) -> None:
        """Give back the claims, remove the instances; the build requests stand, and the recovery tries again."""
        settled = {one.uuid for one in self._settled}
        mine = [one for one in self._placed if one.uuid in self._claimed and one.uuid not in settled]
        self._disown([one.uuid for one in mine])
        for cell_uuid, group in _by_cell(mine).items():
            with self.env.cells.get(cell_uuid).db.writer() as conn:
                instances.purge(conn, [one.uuid for one in group])

    # --- step 1 ---

    def place(self) -> None:
        """Choose and claim until every server has a host, or there is none for it."""
        if self._again:
            self._find_again()
        if self.env.arrival is not None and not self.env.arrival.wait():
            raise Over("The scheduler ends; its next start goes on.")
        self.env.view.look()
        looked = False
        for _ in range(ROUNDS):
            if not self._waiting:
                return
            began = time.monotonic()
            picks = self._pick()
            self._claim([pick for pick in picks if pick.host is not None])
            nowhere = [pick for pick in picks if pick.host is None]
            if not nowhere:
                continue
            if looked and len(nowhere) == len(self._waiting):
                break
            if not looked:
                # The view may be behind; before saying no, look at the truth.
                self.env.view.refresh(since=began)
                looked = True
        self._bury({pick.uuid: pick for pick in picks})

    def _pick(self) -> list[Pick]:
        with self.env.view.lock:
            return self.env.selector.pick(self.env.view.hosts(), self._request, self._waiting)

    def _claim(self, picks: list[Pick]) -> None:
        """Claim what was picked; what was refused keeps waiting."""
        if not picks:
            return
        there, outcome = self._claim_once(picks)
        with self.env.view.lock:
            for pick in picks:
                if pick.uuid not in outcome.won and pick.host is not None:
                    pick.host.give_back(pick.uuid, self._request.wanted)
            if outcome.refused:
                self.env.view.correct(outcome.usages)
        self._claimed.update(outcome.won)
        won = set(outcome.won)
        self._placed += [self._placement(pick) for pick in picks if pick.uuid in won]
        self._waiting = [uuid for uuid in self._waiting if uuid not in won]
        self._drop(pick.uuid for pick in picks if pick.uuid not in there)
        self._adopt(outcome.held)
        if outcome.refused:
            LOG.debug("Claims refused: %s", outcome.refused)
            self._request = self.env.request(self._spec, without=tuple(self._waiting))

    @retry_on_deadlock
    def _claim_once(self, picks: list[Pick]) -> tuple[set[str], Outcome]:
        project, wanted = self._spec.project_id, self._request.wanted
        with self.env.api_db.writer() as conn:
            there = build_requests.lock(conn, [pick.uuid for pick in picks])
            wishes = [
                Claim(pick.uuid, project, pick.host.provider.uuid, wanted)
                for pick in picks
                if pick.host is not None and pick.uuid in there
            ]
            return there, claims.claim(conn, wishes, now(), self._request.group)

    def _placement(self, pick: Pick) -> Placement:
        host = pick.host
        assert host is not None
        return Placement(
            self._located(pick.uuid, host.choice, host.zone), host.choice, self._decision(pick), pick.alternates
        )

    def _located(self, uuid: str, choice: HostChoice, zone: str) -> Instance:
        return self._requests[uuid].instance.replace(
            host=choice.host,
            node=choice.node,
            availability_zone=zone,
            vm_state=states.VM.BUILDING,
            task_state=states.Task.SCHEDULING,
        )

    def _decision(self, pick: Pick) -> Decision:
        return Decision(
            instance_uuid=pick.uuid,
            chosen=None if pick.host is None else pick.host.name,
            weight=None if pick.host is None else round(pick.weight, 6),
            considered=pick.considered,
            reasons=pick.reasons,
            attempt=self._spec.attempts,
        )

    def _bury(self, picks: dict[str, Pick]) -> None:
        """Those still waiting get no host, unless somebody claimed one for them before."""
        with self.env.api_db.reader() as conn:
            held = placement_db.providers_of(conn, self._waiting)
        self._adopt(held)
        for uuid in self._waiting:
            decision = self._decision(picks[uuid])
            lines = [f"{one.host}: {one.step}: {one.reason}" for one in decision.reasons]
            failed = self._failed(uuid, NO_HOST, "\n".join(lines) or "There are no hosts.")
            self._placed.append(Placement(failed, None, decision))
        self._waiting = []

    def _failed(self, uuid: str, message: str, details: str) -> Instance:
        return self._requests[uuid].instance.replace(
            host=None,
            node=None,
            vm_state=states.VM.ERROR,
            task_state=None,
            fault=Fault(code=500, message=message, details=details, created_at=now()),
        )

    # --- what somebody else began ---

    def _find_again(self) -> None:
        self._find_buried()
        with self.env.api_db.reader() as conn:
            held = placement_db.providers_of(conn, self._waiting)
        self._adopt(held)

    def _find_buried(self) -> None:
        with self.env.cells.cell0.db.reader() as conn:
            buried = instances.find(conn, self._waiting)
        for one in buried:
            self._placed.append(Placement(one, None, Decision(instance_uuid=one.uuid)))
        self._drop(one.uuid for one in buried)

    def _adopt(self, held: dict[str, str]) -> None:
        """Keep claims that were made before."""
        if not held:
            return
        self.env.view.look()
        for uuid, provider_uuid in held.items():
            host = self.env.view.by_provider(provider_uuid)
            if host is None:
                LOG.warning("[instance: %s] claimed on a host that cannot be reached now", uuid)
                continue
            decision = Decision(instance_uuid=uuid, chosen=host.name, attempt=self._spec.attempts)
            self._placed.append(Placement(self._located(uuid, host.choice, host.zone), host.choice, decision))
        self._drop(held)

    def _drop(self, uuids: Iterable[str]) -> None:
        gone = set(uuids)
        self._waiting = [uuid for uuid in self._waiting if uuid not in gone]

    # --- step 2 ---

    def write(self) -> None:
        """Make the instances in their cells, with the first event of their action."""
        for cell_uuid, group in _by_cell(self._placed).items():
            self._write(cell_uuid, group)

    def _write(self, cell_uuid: str, group: list[Placement]) -> None:
        with self.env.cells.get(cell_uuid).db.writer() as conn:
            known = instances.known(conn, [one.uuid for one in group])
            fresh = [one for one in group if one.uuid not in known]
            if fresh:
                instances.create_all(conn, [one.instance for one in fresh], now())
                actions.start_with_event(conn, self._ctxt, [one.uuid for one in fresh], "create", self._event(fresh[0]))
            for one in group:
                if one.choice is not None and known.get(one.uuid, one.choice.host) != one.choice.host:
                    # Left behind by a claim that was given back since.
                    instances.update(conn, one.uuid, now(), host=one.choice.host, node=one.choice.node)

    def _event(self, placement: Placement) -> ActionEvent:
        fault = placement.instance.fault
        return ActionEvent(
            event=EVENT,
            start_time=self._started,
            finish_time=now(),
            result="Success" if fault is None else actions.ERROR,
            details=None if fault is None else fault.message,
            host=self.env.name,
        )

    # --- step 3 ---

    def settle(self) -> None:
        """Map the instances to their cells and delete the build requests; whoever finds these gone has lost."""
        if not self._placed:
            return
        settled, lost = self._settle_once()
        self._settled = settled
        for one in settled:
            if one.instance.fault is not None:
                LOG.warning("[instance: %s] %s", one.uuid, one.instance.fault.message)
        for cell_uuid, group in _by_cell(lost).items():
            uuids = [one.uuid for one in group]
            LOG.info("No longer wanted, removed again: %s", ", ".join(uuids))
            with self.env.cells.get(cell_uuid).db.writer() as conn:
                instances.purge(conn, uuids)
        for one in lost:
            self.env.view.forget(one.uuid, self._request.wanted)

    @retry_on_deadlock
    def _settle_once(self) -> tuple[list[Placement], list[Placement]]:
        """(those that are settled now, those that nobody wants where they are)."""
        with self.env.api_db.writer() as conn:
            there = build_requests.lock(conn, [one.uuid for one in self._placed])
            adopted = [one for one in self._placed if one.choice is not None and one.uuid not in self._claimed]
            held = placement_db.providers_of(conn, [one.uuid for one in adopted]) if adopted else {}
            astray = {one.uuid for one in adopted if one.choice and held.get(one.uuid) != one.choice.provider_uuid}
            settled = [one for one in self._placed if one.uuid in there - astray]
            if settled:
                build_requests.delete_all(conn, [one.uuid for one in settled])
                for cell_uuid, group in _by_cell(settled).items():
                    mappings.set_cell(conn, [one.uuid for one in group], cell_uuid)
                # A build request is deleted once, so nothing was recorded before.
                build_requests.record(conn, [one.decision for one in settled], now(), first=True)
            missing = [one for one in self._placed if one.uuid not in there]
            where = mappings.cells_of(conn, [one.uuid for one in missing]) if missing else {}
            if unclaimed := [one.uuid for one in missing if where.get(one.uuid) in (None, CELL0_UUID)]:
                claims.release(conn, unclaimed)
            return settled, [one for one in missing if where.get(one.uuid) != one.cell_uuid]

    # --- step 4 ---

    def send(self) -> None:
        """Tell the hosts; what cannot be told now is told by the recovery."""
        deaf: set[str] = set()
        for one in self._settled:
            if one.choice is None or one.choice.host in deaf:
                continue
            LOG.info("[instance: %s] goes to %s of cell %s", one.uuid, one.choice.host, one.choice.cell_uuid)
            compute = self.env.cells.get(one.choice.cell_uuid).compute
            assert compute is not None
            try:
                compute.build_instance(
                    self._ctxt,
                    one.choice.host,
                    one.instance,
                    self._spec,
                    list(one.alternates),
                    self._admin_password,
                )
            except ServiceUnavailable as error:
                LOG.error("[instance: %s] %s could not be told: %s", one.uuid, one.choice.host, error)
                deaf.add(one.choice.host)

    # --- undoing ---

    @retry_on_deadlock
    def _disown(self, uuids: list[str]) -> None:
        """Give back claims whose build requests still stand; whoever adopted one notices in ``settle``."""
        if not uuids:
            return
        with self.env.api_db.writer() as conn:
            claims.release(conn, list(build_requests.lock(conn, uuids)))
        for uuid in uuids:
            self.env.view.forget(uuid, self._request.wanted)


class BuryTask(BuildTask):
    """The end of servers that could not be built in all the time there was."""

    def place(self) -> None:
        """No host is looked for; a claim that somebody made is given back by the recovery."""
        self._find_buried()
        for uuid in self._waiting:
            message = str(BuildAborted(instance_uuid=uuid, reason="the scheduler could not finish it in time"))
            decision = Decision(instance_uuid=uuid, attempt=self._spec.attempts)
            self._placed.append(Placement(self._failed(uuid, message, ""), None, decision))
        self._waiting = []


def _by_cell(placements: Iterable[Placement]) -> dict[str, list[Placement]]:
    result: dict[str, list[Placement]] = {}
    for one in placements:
        result.setdefault(one.cell_uuid, []).append(one)
    return result
