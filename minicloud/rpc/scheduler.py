# SPDX-License-Identifier: Apache-2.0
"""What the scheduler is asked. It listens on the top level's transport and on every cell's."""

from __future__ import annotations

from minicloud.context import RequestContext
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
from minicloud.rpc.base import Stub, given


class SchedulerStub(Stub):
    TOPIC = "scheduler"
    VERSION = "1.0"

    def build_instances(
        self, ctxt: RequestContext, requests: list[BuildRequest], admin_password: str | None = None
    ) -> None:
        """Find hosts for servers the API accepted: one list is one request for several servers.

        :param admin_password: for all of their guests. Build requests are kept in a database, so it is no part of
            them; a build that is taken up again after a crash has lost it.
        """
        self.cast(ctxt, "build_instances", requests=requests, **given(admin_password=admin_password))

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
        """A host could not build: give its claim back and try an alternate, or bury with the reason."""
        self.cast(
            ctxt,
            "retry_build",
            instance=instance,
            spec=spec,
            alternates=alternates,
            failed_host=failed_host,
            reason=reason,
            **given(admin_password=admin_password),
        )

    def resize_instance(self, ctxt: RequestContext, instance: Instance, flavor: Flavor, host: str | None) -> None:
        """Find a host for a server's new flavor, or, with the one it has, another host.

        :param host: the only one that may be chosen
        """
        self.cast(ctxt, "resize_instance", instance=instance, flavor=flavor, host=host)

    def live_migrate_instance(
        self,
        ctxt: RequestContext,
        instance: Instance,
        host: str | None,
        block: bool | None,
        forced: bool,
        wait: bool,
    ) -> None:
        """Find a host that a server can go to while it runs, and send it.

        :param host: the only one that may be chosen
        :param block: whether disks are copied; None: when they must be
        :param forced: the filters are not asked about the host
        :param wait: until the host is found, or not
        :raises MinicloudError: when waited for, and then the server is as it was
        """
        send = self.call if wait else self.cast
        send(ctxt, "live_migrate_instance", instance=instance, host=host, block=block, forced=forced, wait=wait)

    def evacuate_instance(
        self, ctxt: RequestContext, instance: Instance, host: str | None, forced: bool, stop: bool
    ) -> None:
        """Find another host for a server whose own is gone.

        :param host: the only one that may be chosen
        :param forced: the filters are not asked about the host
        :param stop: the server is off when it has arrived
        """
        self.cast(ctxt, "evacuate_instance", instance=instance, host=host, forced=forced, stop=stop)

    def unshelve_instance(self, ctxt: RequestContext, instance: Instance, host: str | None) -> None:
        """Find a host for a shelved server that has none.

        :param host: the only one that may be chosen
        """
        self.cast(ctxt, "unshelve_instance", instance=instance, host=host)

    def give_back(self, ctxt: RequestContext, instance_uuid: str) -> None:
        """A server stays but needs nothing of a host any more: give back its allocations."""
        self.cast(ctxt, "give_back", instance_uuid=instance_uuid)

    def migration_ended(self, ctxt: RequestContext, migration: Migration, arrived: bool) -> None:
        """Give back what the server does not need any more: at its source when it arrived, else at its destination."""
        self.cast(ctxt, "migration_ended", migration=migration, arrived=arrived)

    def release(self, ctxt: RequestContext, instance_uuid: str) -> None:
        """A server is gone: give back its allocations and its mapping."""
        self.cast(ctxt, "release", instance_uuid=instance_uuid)

    def compute_node_changed(self, ctxt: RequestContext, node: ComputeNode) -> None:
        """A host of this cell is new, or has other capacity: keep its mapping and inventory."""
        self.cast(ctxt, "compute_node_changed", node=node)

    def external_events(self, ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        """Events of neighbours, to be handed to the hosts of the servers they name."""
        self.cast(ctxt, "external_events", events=events)
