# SPDX-License-Identifier: Apache-2.0
"""What a lost message or a killed scheduler left half done is finished here, at start and now and then.

Everything found is safe to take up although somebody may still be at it: tasks decide by rows
that only one of two can delete or swap.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final, TypeVar

from oslo_log import log as logging

from minicloud import exception
from minicloud.cells import Cell
from minicloud.context import RequestContext
from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances, moves
from minicloud.db.session import Connection
from minicloud.objects import CELL0_UUID, BuildRequest, Instance, RequestSpec
from minicloud.scheduler.tasks.base import Environment
from minicloud.scheduler.tasks.build import BuildTask, BuryTask
from minicloud.scheduler.tasks.evacuate import EvacuateTask
from minicloud.scheduler.tasks.live_migrate import LiveMigrateTask, Wish
from minicloud.scheduler.tasks.move import MoveTask
from minicloud.scheduler.tasks.release import forget_server, give_back
from minicloud.scheduler.tasks.resize import ResizeTask
from minicloud.scheduler.tasks.retry import RetryTask
from minicloud.scheduler.tasks.unshelve import UnshelveTask
from minicloud.states import Task
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)
T = TypeVar("T")

_Version = tuple[str, str, datetime | None]

#: What looks for a host for a server that is in a task, whatever was asked of the host.
_MOVES: Final[dict[str, Callable[[Environment, RequestContext, Instance], MoveTask]]] = {
    Task.RESIZE_PREP: lambda env, ctxt, one: ResizeTask(env, ctxt, one, one.flavor, None),
    Task.MIGRATING: lambda env, ctxt, one: LiveMigrateTask(env, ctxt, one, Wish()),
    Task.UNSHELVING: lambda env, ctxt, one: UnshelveTask(env, ctxt, one, None),
    Task.REBUILDING: lambda env, ctxt, one: EvacuateTask(env, ctxt, one, None, forced=False, stop=False),
}

#: Seconds before a host is told of the same server once more.
RESEND = 300.0


class Recovery:
    """One search after another for what is half done."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        #: When a host was told of a server in its present state.
        self._sent: dict[_Version, float] = {}

    def run(self, age: float | None = None) -> None:
        """One round; a part that fails does not keep the others from their work.

        :param age: seconds that a step may take; default ``[scheduler] recovery_age``
        """
        seconds = self._env.conf.scheduler.recovery_age if age is None else age
        before = now() - timedelta(seconds=seconds)
        self._run((self.finish_requests, self.send_again, self.prune), before)
        # What these end cannot be taken up again: another scheduler may be at it, or a message under way.
        self._run((self.end_moves, self.give_back_leaks), min(before, self._patience()))

    def _patience(self) -> datetime:
        return now() - timedelta(seconds=self._env.conf.scheduler.recovery_age)

    def _run(self, parts: tuple[Callable[[datetime], None], ...], before: datetime) -> None:
        for part in parts:
            try:
                part(before)
            except Exception:
                LOG.exception("Recovery: %s failed", part.__name__)

    # --- build requests ---

    def finish_requests(self, before: datetime) -> None:
        """Build requests that nobody finished: build them, or end them when it took too long."""
        with self._env.api_db.reader() as conn:
            found = build_requests.older_than(conn, before)
        for request_id, group in groupby(found, key=lambda one: one[0]):
            for _, equal in groupby((one for _, one in group), key=lambda one: one.spec):
                self._build(request_id, list(equal))

    def _build(self, request_id: str, requests: list[BuildRequest]) -> None:
        LOG.info("Taking up %s build requests of %s", len(requests), request_id)
        first = requests[0].instance
        ctxt = _context(request_id, first.user_id, first.project_id)
        try:
            BuildTask(self._env, ctxt, requests, again=True).execute()
        except Exception:
            LOG.exception("Build requests of %s could not be finished now", request_id)
        self._bury_old(ctxt, requests)

    def _bury_old(self, ctxt: RequestContext, requests: list[BuildRequest]) -> None:
        """What still is not built although it is older than a server may wait."""
        oldest = now() - timedelta(seconds=self._env.conf.scheduler.build_timeout)
        old = [one for one in requests if one.instance.created_at is not None and one.instance.created_at < oldest]
        if old:
            with self._env.api_db.reader() as conn:
                old = [one for one in old if build_requests.get(conn, one.instance.uuid) is not None]
        if old:
            BuryTask(self._env, ctxt, old, again=True).execute()

    # --- instances whose host was never told ---

    def send_again(self, before: datetime) -> None:
        """Instances that were given a host which has not begun: tell it once more."""
        moment = time.monotonic()
        self._sent = {key: sent for key, sent in self._sent.items() if moment - sent < RESEND}
        for cell, waiting in self._ask(lambda conn: instances.awaiting_build(conn, before)):
            found = [one for one in waiting if _version(cell, one) not in self._sent]
            if found:
                self._send_all(cell, found)

    def _ask(self, read: Callable[[Connection], T]) -> list[tuple[Cell, T]]:
        """What those cells say that answer; the others do not keep these waiting."""

        def ask(cell: Cell) -> tuple[Cell, T]:
            with cell.db.reader() as conn:
                return cell, read(conn)

        return list(self._env.cells.scatter(ask, self._env.cells.all()).answers.values())

    def _send_all(self, cell: Cell, found: list[Instance]) -> None:
        uuids = [one.uuid for one in found]
        with self._env.api_db.reader() as conn:
            where = mappings.cells_of(conn, uuids)
            held = placement_db.providers_of(conn, uuids)
            hosts = {one.uuid: one for one in placement_db.providers(conn)}
            specs = {uuid: build_requests.spec(conn, uuid) for uuid in uuids}
        for one in found:
            spec = specs[one.uuid]
            if where.get(one.uuid) not in (None, cell.uuid):
                self._remove_stray(cell, one)
            elif where.get(one.uuid) == cell.uuid and spec is not None:
                provider = hosts.get(held.get(one.uuid, ""))
                self._sent[_version(cell, one)] = time.monotonic()
                self._send(cell, one, spec, provider)

    def _remove_stray(self, cell: Cell, one: Instance) -> None:
        LOG.warning("[instance: %s] is in another cell; removing what was left in %s", one.uuid, cell.name)
        with cell.db.writer() as conn:
            instances.purge(conn, [one.uuid])

    def _send(self, cell: Cell, one: Instance, spec: RequestSpec, provider: placement_db.Provider | None) -> None:
        ctxt = _asked(cell, one)
        if provider is None:
            LOG.warning("[instance: %s] on %s without a claim: looking for a host again", one.uuid, one.host)
            RetryTask(self._env, ctxt, one.uuid, spec).after(one.host or "", "the claim was lost").execute()
            return
        try:
            one = self._follow_claim(cell, one, provider)
        except (exception.UnexpectedState, exception.InstanceNotFound):
            return  # the host has begun meanwhile
        LOG.info("[instance: %s] telling %s again", one.uuid, one.host)
        if cell.compute is not None and one.host is not None:
            spec = spec.replace(attempts=max(1, spec.attempts))
            cell.compute.build_instance(ctxt, one.host, one, spec, [])

    def _follow_claim(self, cell: Cell, one: Instance, provider: placement_db.Provider) -> Instance:
        """A retry moved the claim and was killed: move the instance too."""
        if provider.host == one.host:
            return one
        with cell.db.writer() as conn:
            return instances.update(
                conn,
                one.uuid,
                now(),
                expected_host=one.host,
                expected_task_states=[one.task_state],
                host=provider.host,
                node=provider.name,
            )

    # --- moves whose host was never chosen ---

    def end_moves(self, before: datetime) -> None:
        """Servers that wait for a host which nobody looks for any more stay as they are."""
        for state, task in _MOVES.items():
            for cell, waiting in self._ask(partial(moves.waiting, task_state=state, before=before)):
                for one in waiting:
                    task(self._env, _asked(cell, one), one).abandon()

    # --- claims ---

    def give_back_leaks(self, before: datetime) -> None:
        """Claims of servers that are gone, or never got to a host."""
        with self._env.api_db.reader() as conn:
            found = placement_db.leaks(conn, before)
            cells = {one.uuid: one.cell_uuid for one in placement_db.providers(conn)}
        give_back(self._env, [leak.consumer_uuid for leak in found if leak.cell_uuid == CELL0_UUID])
        idle = self._ask(instances.idle_without_host)
        known = {cell.uuid: cell for cell, _ in idle}
        for leak in found:
            cell = known.get(leak.cell_uuid or cells.get(leak.provider_uuid, ""))
            if cell is not None and self._is_gone(cell, leak):
                LOG.warning("[instance: %s] is gone; giving back its claim", leak.consumer_uuid)
                forget_server(self._env, leak.consumer_uuid)
        for _, uuids in idle:
            self._give_back_idle(uuids)

    def _is_gone(self, cell: Cell, leak: placement_db.Leak) -> bool:
        with cell.db.writer() as conn:
            if leak.is_mapped and leak.cell_uuid is None:
                # Deleted before it was mapped to its cell, where nobody deletes it now.
                instances.purge(conn, [leak.consumer_uuid])
            if moves.is_open(conn, leak.consumer_uuid):
                return False  # held for a server on its way
            return all(one.deleted for one in instances.find(conn, [leak.consumer_uuid]))

    def _give_back_idle(self, idle: list[str]) -> None:
        if not idle:
            return
        with self._env.api_db.reader() as conn:
            held = placement_db.providers_of(conn, idle)
        give_back(self._env, list(held))

    # --- decisions ---

    def prune(self, before: datetime) -> None:
        """Drop decisions that are too old."""
        with self._env.api_db.writer() as conn:
            oldest = now() - timedelta(seconds=self._env.conf.scheduler.decisions_kept)
            build_requests.forget_decisions(conn, oldest)


def _version(cell: Cell, one: Instance) -> _Version:
    return cell.uuid, one.uuid, one.updated_at


def _asked(cell: Cell, one: Instance) -> RequestContext:
    """Of its last action."""
    with cell.db.reader() as conn:
        found = actions.list_for(conn, one.uuid, limit=1)
    return _context(found[0].request_id if found else None, one.user_id, one.project_id)


def _context(request_id: str | None, user_id: str, project_id: str) -> RequestContext:
    """Whoever asked, so that the action that was begun is found again."""
    return RequestContext(user_id=user_id, project_id=project_id, request_id=request_id, overwrite=False)
