# SPDX-License-Identifier: Apache-2.0
"""What the scheduler answers to: the endpoint of :class:`minicloud.rpc.scheduler.SchedulerStub`."""

from __future__ import annotations

from itertools import groupby

import oslo_messaging as messaging
from oslo_log import log as logging

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.db.api import mappings
from minicloud.db.cell import compute_nodes, instances
from minicloud.db.session import Database
from minicloud.objects import (
    BuildRequest,
    ComputeNode,
    Flavor,
    HostChoice,
    Instance,
    Migration,
    RequestSpec,
    ResourceEvent,
)
from minicloud.rpc.base import expected
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.scheduler.tasks.base import Environment
from minicloud.scheduler.tasks.build import BuildTask
from minicloud.scheduler.tasks.evacuate import EvacuateTask
from minicloud.scheduler.tasks.live_migrate import LiveMigrateTask, Wish
from minicloud.scheduler.tasks.move import settle
from minicloud.scheduler.tasks.release import forget_server, give_back
from minicloud.scheduler.tasks.resize import ResizeTask
from minicloud.scheduler.tasks.retry import RetryTask
from minicloud.scheduler.tasks.unshelve import UnshelveTask

LOG = logging.getLogger(__name__)


class SchedulerManager:
    """One for all transports: which one a message came by does not matter."""

    STUB = SchedulerStub
    target = messaging.Target(version="1.0")

    def __init__(self, env: Environment) -> None:
        self._env = env

    def build_instances(
        self, ctxt: RequestContext, requests: list[BuildRequest], admin_password: str | None = None
    ) -> None:
        for _, group in groupby(requests, key=lambda one: one.spec):
            BuildTask(self._env, ctxt, list(group), admin_password=admin_password).execute()

    def retry_build(
        self,
        ctxt: RequestContext,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        failed_host: str,
        reason: str,
        admin_password: str | None = None,
    ) -> None:
        LOG.warning("[instance: %s] could not be built on %s: %s", instance.uuid, failed_host, reason)
        self._env.view.build_failed(failed_host)
        task = RetryTask(self._env, ctxt, instance.uuid, spec, admin_password)
        task.after(failed_host, reason, alternates).execute()

    def resize_instance(self, ctxt: RequestContext, instance: Instance, flavor: Flavor, host: str | None) -> None:
        try:
            ResizeTask(self._env, ctxt, instance, flavor, host).execute()
        except exception.NoValidHost as error:
            LOG.warning("[instance: %s] %s", instance.uuid, error)

    @expected(exception.MinicloudError)
    def live_migrate_instance(
        self,
        ctxt: RequestContext,
        instance: Instance,
        host: str | None,
        block: bool | None,
        forced: bool,
        wait: bool,
    ) -> None:
        try:
            LiveMigrateTask(self._env, ctxt, instance, Wish(host, block, forced)).execute()
        except exception.MinicloudError as error:
            LOG.warning("[instance: %s] %s", instance.uuid, error)
            if wait:
                raise

    def evacuate_instance(
        self, ctxt: RequestContext, instance: Instance, host: str | None, forced: bool, stop: bool
    ) -> None:
        try:
            EvacuateTask(self._env, ctxt, instance, host, forced, stop).execute()
        except exception.NoValidHost as error:
            LOG.warning("[instance: %s] %s", instance.uuid, error)

    def unshelve_instance(self, ctxt: RequestContext, instance: Instance, host: str | None) -> None:
        try:
            UnshelveTask(self._env, ctxt, instance, host).execute()
        except exception.NoValidHost as error:
            LOG.warning("[instance: %s] %s", instance.uuid, error)

    def give_back(self, ctxt: RequestContext, instance_uuid: str) -> None:
        give_back(self._env, [instance_uuid])

    def migration_ended(self, ctxt: RequestContext, migration: Migration, arrived: bool) -> None:
        flavor = migration.new_flavor if arrived else migration.old_flavor
        settle(self._env, migration.instance_uuid, migration.uuid, arrived=arrived, flavor=flavor)

    def release(self, ctxt: RequestContext, instance_uuid: str) -> None:
        forget_server(self._env, instance_uuid)

    def compute_node_changed(self, ctxt: RequestContext, node: ComputeNode) -> None:
        """
        :raises HostNotFound: when no cell has the node
        """
        for cell_uuid, known in self._env.cells.scatter(
            lambda cell: _has_node(cell.db, node), self._env.cells.all()
        ).answers.items():
            if known:
                self._env.view.node_changed(node, cell_uuid)
                return
        raise exception.HostNotFound(host=node.host)

    def external_events(self, ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        uuids = list({event.server_uuid for event in events})
        with self._env.api_db.reader() as conn:
            where = mappings.cells_of(conn, uuids)
        for cell_uuid in {uuid for uuid in where.values() if uuid is not None}:
            cell = self._env.cells.get(cell_uuid)
            with cell.db.reader() as conn:
                hosts = instances.hosts_of(conn, [uuid for uuid in uuids if where.get(uuid) == cell_uuid])
            for host in sorted(set(hosts.values())):
                if cell.compute is not None:
                    mine = [event for event in events if hosts.get(event.server_uuid) == host]
                    cell.compute.external_events(ctxt, host, mine)


def _has_node(db: Database, node: ComputeNode) -> bool:
    with db.reader() as conn:
        return bool(compute_nodes.find(conn, host=node.host, hypervisor_hostname=node.hypervisor_hostname))
