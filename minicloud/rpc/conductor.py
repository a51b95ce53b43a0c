# SPDX-License-Identifier: Apache-2.0
"""What a compute host asks of the conductor of its cell, which keeps the database for it."""

from __future__ import annotations

from typing import cast

from minicloud.context import RequestContext
from minicloud.objects import ComputeNode, Instance, InstanceUpdate, Migration, MigrationProgress, Service
from minicloud.rpc.base import Stub, given


class ConductorStub(Stub):
    TOPIC = "conductor"
    VERSION = "1.0"

    def get_instance(self, ctxt: RequestContext, uuid: str) -> Instance:
        """:raises InstanceNotFound: also when it is deleted"""
        return cast(Instance, self.call(ctxt, "get_instance", uuid=uuid))

    def fates(self, ctxt: RequestContext, uuids: list[str]) -> dict[str, bool]:
        """Server -> whether it is deleted, of those that the cell has ever had."""
        return cast(dict[str, bool], self.call(ctxt, "fates", uuids=uuids))

    def instances_on_host(self, ctxt: RequestContext, host: str) -> list[Instance]:
        return cast(list[Instance], self.call(ctxt, "instances_on_host", host=host))

    def update_instance(self, ctxt: RequestContext, update: InstanceUpdate) -> Instance:
        """One compare-and-swap with the action's events.

        :raises UnexpectedState: when the instance was not in an expected state or on another host
        :raises InstanceNotFound: when it is gone
        """
        return cast(Instance, self.call(ctxt, "update_instance", update=update))

    def destroy_instance(self, ctxt: RequestContext, uuid: str, host: str | None) -> None:
        """Mark a server deleted and finish its delete action; idempotent."""
        self.call(ctxt, "destroy_instance", uuid=uuid, host=host)

    def report_service(
        self, ctxt: RequestContext, host: str, binary: str, topic: str, version: int, ailment: str | None = None
    ) -> Service:
        """Heartbeat: makes the service's record or renews it.

        :param ailment: why no server should come to the host for now; None: all is well
        """
        beat = {"host": host, "binary": binary, "topic": topic, "version": version, **given(ailment=ailment)}
        return cast(Service, self.call(ctxt, "report_service", **beat))

    def save_compute_node(self, ctxt: RequestContext, node: ComputeNode) -> ComputeNode:
        """Make or renew the record of a hypervisor node; found again by (host, hypervisor_hostname)."""
        return cast(ComputeNode, self.call(ctxt, "save_compute_node", node=node))

    def open_migration(self, ctxt: RequestContext, instance_uuid: str) -> Migration | None:
        """The migration of a server that is not over; None when there is none."""
        return cast(Migration | None, self.call(ctxt, "open_migration", instance_uuid=instance_uuid))

    def open_migrations(self, ctxt: RequestContext, host: str) -> list[Migration]:
        """Migrations from or to a host that are not over."""
        return cast(list[Migration], self.call(ctxt, "open_migrations", host=host))

    def change_migration(self, ctxt: RequestContext, uuid: str, status: str) -> None:
        """Say how far a migration is; nothing happens when it is over."""
        self.call(ctxt, "change_migration", uuid=uuid, status=status)

    def swap_migration(self, ctxt: RequestContext, uuid: str, expected: str, status: str) -> bool:
        """Say how far a migration is if it was as expected; of several who try only one is told True."""
        return cast(bool, self.call(ctxt, "swap_migration", uuid=uuid, expected=expected, status=status))

    def evacuated_from(self, ctxt: RequestContext, host: str) -> list[Migration]:
        """Evacuations whose servers have arrived elsewhere while a host was away."""
        return cast(list[Migration], self.call(ctxt, "evacuated_from", host=host))

    def report_progress(self, ctxt: RequestContext, migration: Migration, progress: MigrationProgress) -> None:
        """How much of a live migration is done; its server's task is not overdue for some time again."""
        self.call(ctxt, "report_progress", migration=migration, progress=progress)
