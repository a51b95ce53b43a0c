# SPDX-License-Identifier: Apache-2.0
"""Another host for a server that goes there while it runs.

``find`` makes sure that it still waits for it, ``ask`` learns from the source what a
destination must know, ``choose`` picks, claims and lets the destination check itself, and
looks further when it cannot, ``record`` writes the migration, ``send`` tells the source.
Whatever fails leaves the server as it was, with a fault.
"""

from __future__ import annotations

from typing import NamedTuple

from oslo_log import log as logging

from minicloud import exception, states
from minicloud.context import RequestContext
from minicloud.objects import Instance, MigrationSource
from minicloud.rpc.compute import ComputeStub
from minicloud.scheduler.tasks.base import Environment, Step
from minicloud.scheduler.tasks.move import MoveTask

LOG = logging.getLogger(__name__)

#: What a destination says that cannot take the guest; another one may.
REFUSALS = (exception.MigrationPreCheckError, exception.NotSupported, exception.ServiceUnavailable)


class Wish(NamedTuple):
    """What somebody asks of a live migration."""

    host: str | None = None
    #: Whether disks are copied; None: when they must be.
    block: bool | None = None
    #: The filters are not asked about the host.
    forced: bool = False


class LiveMigrateTask(MoveTask):
    """Choose, check and claim a destination for one server."""

    WAITS = states.Task.MIGRATING

    def __init__(self, env: Environment, ctxt: RequestContext, instance: Instance, wish: Wish) -> None:
        super().__init__(env, ctxt, instance.uuid)
        self._wish = wish

    def steps(self) -> tuple[Step, ...]:
        return (self.find, self.ask, self.choose, self.record, self.send)

    @property
    def _compute(self) -> ComputeStub:
        assert self._cell.compute is not None
        return self._cell.compute

    def find(self) -> None:
        host = self._wish.host
        self._spec = self._locate().replace(
            ignore_hosts=(str(self._instance.host),), force_hosts=(host,) if host else (), force_nodes=()
        )

    def ask(self) -> None:
        """
        :raises MinicloudError: when the guest cannot leave
        """
        self._facts: MigrationSource = self._compute.migration_source(
            self._ctxt, str(self._instance.host), self._instance
        )

    def choose(self) -> None:
        """
        :raises NoValidHost: when nobody can have it
        :raises MigrationPreCheckError: when the host that was asked for cannot
        """
        refused: list[str] = []
        while True:
            try:
                host = self._choose(self._spec, forced=self._wish.forced).host
            except exception.NoValidHost:
                self._reason = "\n".join([*refused, self._reason])
                raise
            try:
                self._block = self._compute.check_destination(
                    self._ctxt, host, self._instance, self._facts, self._wish.block
                )
                return
            except REFUSALS as error:
                LOG.info("[instance: %s] cannot go to %s: %s", self._uuid, host, error)
                self._unclaim()
                if self._wish.host:
                    raise
                refused.append(f"{host}: check: {error}")
                self._spec = self._spec.replace(ignore_hosts=(*self._spec.ignore_hosts, host))

    def record(self) -> None:
        self._migration = self._new_migration("live-migration", "queued", self._instance.flavor)
        self._record(self._migration, progress=0)

    def send(self) -> None:
        LOG.info("[instance: %s] goes from %s to %s", self._uuid, self._instance.host, self._migration.dest_compute)
        source = str(self._instance.host)
        self._compute.live_migrate_instance(self._ctxt, source, self._instance, self._migration, self._block)
