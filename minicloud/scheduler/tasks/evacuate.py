# SPDX-License-Identifier: Apache-2.0
"""Another host for a server whose own is gone.

What it had there stays claimed, under the migration, until that host is back and has removed
the guest. When there is no host for it, the server is in ERROR and may be evacuated again.
"""

from __future__ import annotations

from oslo_log import log as logging

from minicloud import states
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.scheduler.tasks.base import Environment, Over, Step
from minicloud.scheduler.tasks.move import MoveTask

LOG = logging.getLogger(__name__)

#: In the system metadata while a server is evacuated, so that its old host lets it alone when it comes back.
MARK = "evacuating"


class EvacuateTask(MoveTask):
    """Choose and claim a destination for one server."""

    WAITS = states.Task.REBUILDING

    def __init__(
        self, env: Environment, ctxt: RequestContext, instance: Instance, host: str | None, forced: bool, stop: bool
    ) -> None:
        """
        :param forced: the filters are not asked about the host
        :param stop: the server is off when it has arrived
        """
        super().__init__(env, ctxt, instance.uuid)
        self._host = host
        self._forced = forced
        self._stop = stop

    def steps(self) -> tuple[Step, ...]:
        return (self.find, self.choose, self.record, self.send)

    def find(self) -> None:
        host = self._host
        spec = self._locate()
        if MARK not in self._instance.system_metadata:
            raise Over(f"[instance: {self._uuid}] is rebuilt where it is")
        system = {key: value for key, value in self._instance.system_metadata.items() if key != MARK}
        self.FAILED = {"vm_state": states.VM.ERROR, "system_metadata": system}
        self._spec = spec.replace(
            ignore_hosts=(str(self._instance.host),), force_hosts=(host,) if host else (), force_nodes=()
        )

    def choose(self) -> None:
        """
        :raises NoValidHost: when nobody can have it
        """
        self._choose(self._spec, forced=self._forced)

    def record(self) -> None:
        self._migration = self._new_migration("evacuation", "accepted", self._instance.flavor)
        self._record(self._migration, progress=0)

    def send(self) -> None:
        assert self._cell.compute is not None
        dest = self._migration.dest_compute
        LOG.info("[instance: %s] is evacuated from %s to %s", self._uuid, self._instance.host, dest)
        self._cell.compute.evacuate_instance(self._ctxt, dest, self._instance, self._migration, self._stop)
