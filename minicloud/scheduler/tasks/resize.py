# SPDX-License-Identifier: Apache-2.0
"""A new size, or another host, for a server that is there.

``find`` makes sure that it still waits for it, ``choose`` lets the migration hold what the
server has and claims the destination for the server, in one transaction, ``record`` writes
the migration, ``send`` tells the source. Whatever fails leaves the server as it was, with a
fault. So does a kill in between, when the recovery finds it.
"""

from __future__ import annotations

from oslo_log import log as logging

from minicloud import states
from minicloud.context import RequestContext
from minicloud.objects import Flavor, Instance
from minicloud.scheduler.tasks.base import Environment, Step
from minicloud.scheduler.tasks.move import MoveTask

LOG = logging.getLogger(__name__)


class ResizeTask(MoveTask):
    """Choose and claim a destination for one server."""

    WAITS = states.Task.RESIZE_PREP

    def __init__(
        self, env: Environment, ctxt: RequestContext, instance: Instance, flavor: Flavor, host: str | None
    ) -> None:
        super().__init__(env, ctxt, instance.uuid)
        self._flavor = flavor
        self._host = host

    def steps(self) -> tuple[Step, ...]:
        return (self.find, self.choose, self.record, self.send)

    def find(self) -> None:
        spec = self._locate()
        source = str(self._instance.host)
        stays = self._flavor.flavorid != self._instance.flavor.flavorid
        may_stay = stays and bool(self.env.conf.scheduler.allow_resize_to_same_host)
        self._spec = spec.replace(
            flavor=self._flavor,
            ignore_hosts=() if may_stay else (source,),
            force_hosts=(self._host,) if self._host else (),
            force_nodes=(),
        )

    def choose(self) -> None:
        """
        :raises NoValidHost: when nobody can have it
        """
        self._choose(self._spec)

    def record(self) -> None:
        changes = self._flavor.flavorid != self._instance.flavor.flavorid
        self._migration = self._new_migration("resize" if changes else "migration", "pre-migrating", self._flavor)
        self._record(self._migration, progress=0)

    def send(self) -> None:
        assert self._cell.compute is not None
        LOG.info("[instance: %s] goes from %s to %s", self._uuid, self._instance.host, self._migration.dest_compute)
        self._cell.compute.resize_instance(self._ctxt, str(self._instance.host), self._instance, self._migration)
