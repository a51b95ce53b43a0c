# SPDX-License-Identifier: Apache-2.0
"""A host for a server that was shelved and has none.

``find``, ``choose`` and claim, ``record`` the host with the server, ``send``. Whatever fails
leaves the server shelved, with a fault. So does a kill in between, when the recovery finds it.
"""

from __future__ import annotations

from minicloud import states
from minicloud.context import RequestContext
from minicloud.db.session import Connection
from minicloud.objects import Instance
from minicloud.placement import claims
from minicloud.placement.claims import Claim, Outcome
from minicloud.scheduler.tasks.base import Environment, Over, Step
from minicloud.scheduler.tasks.move import MoveTask
from minicloud.scheduler.tasks.release import give_back
from minicloud.web.moments import now


class UnshelveTask(MoveTask):
    """Choose and claim a host for one server."""

    WAITS = states.Task.UNSHELVING

    def __init__(self, env: Environment, ctxt: RequestContext, instance: Instance, host: str | None) -> None:
        super().__init__(env, ctxt, instance.uuid)
        self._host = host

    def steps(self) -> tuple[Step, ...]:
        return (self.find, self.choose, self.record, self.send)

    def find(self) -> None:
        spec = self._locate()
        if self._instance.host is not None:
            raise Over(f"[instance: {self._uuid}] has host {self._instance.host}")
        forced = (self._host,) if self._host else ()
        self._spec = spec.replace(ignore_hosts=(), force_hosts=forced, force_nodes=())

    def choose(self) -> None:
        """
        :raises NoValidHost: when nobody can have it
        """
        self._choose(self._spec)

    def _take(self, conn: Connection, wish: Claim) -> Outcome:
        """It has nothing that would have to be kept."""
        outcome = claims.claim(conn, [wish], now(), self.env.request(self._spec).group)
        if self._uuid in outcome.held:
            raise Over(f"[instance: {self._uuid}] is at another scheduler")
        return outcome

    def _unclaim(self) -> None:
        """What a killed scheduler claimed is found as a claim of a server that has no host and waits for none."""
        if self._pick is not None:
            give_back(self.env, [self._uuid])
            self._pick = None

    def record(self) -> None:
        assert self._pick is not None and self._pick.host is not None
        host = self._pick.host
        self._placed = self._record(None, host=host.host, node=host.name, availability_zone=host.zone)

    def send(self) -> None:
        assert self._cell.compute is not None and self._placed.host is not None
        self._cell.compute.unshelve_instance(self._ctxt, self._placed.host, self._placed)
