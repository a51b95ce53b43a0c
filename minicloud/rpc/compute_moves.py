# SPDX-License-Identifier: Apache-2.0
"""What a compute host can be asked about servers that come and go: the moving half of its stub."""

from __future__ import annotations

from typing import cast

from minicloud.context import RequestContext
from minicloud.objects import Instance, Migration, MigrationSource, MigrationTarget
from minicloud.rpc.base import Stub


class MovesStub(Stub):
    """Part of :class:`minicloud.rpc.compute.ComputeStub`, which names topic and version."""

    def resize_instance(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Send a server on its way. The host is the migration's source."""
        self.cast(ctxt, "resize_instance", server=host, instance=instance, migration=migration)

    def finish_resize(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Take a server in. The host is the migration's destination."""
        self.cast(ctxt, "finish_resize", server=host, instance=instance, migration=migration)

    def offer_disks(self, ctxt: RequestContext, host: str, instance: Instance) -> MigrationSource:
        """How a destination fetches what a server left. The host is the source.

        :raises NotSupported, VirtError:
        """
        return cast(MigrationSource, self.call(ctxt, "offer_disks", server=host, instance=instance))

    def confirm_resize(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Forget what the server was. The host is the source."""
        self.cast(ctxt, "confirm_resize", server=host, instance=instance, migration=migration)

    def revert_resize(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Send a server back. The host is the destination."""
        self.cast(ctxt, "revert_resize", server=host, instance=instance, migration=migration)

    def finish_revert_resize(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Take a server back in. The host is the source."""
        self.cast(ctxt, "finish_revert_resize", server=host, instance=instance, migration=migration)

    def forget_guest(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """A server that left a guest on this host is deleted: remove it."""
        self.cast(ctxt, "forget_guest", server=host, instance=instance)

    def shelve_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """Put a server away in the image that its system metadata names."""
        self.cast(ctxt, "shelve_instance", server=host, instance=instance)

    def shelve_offload_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """Let a shelved server leave the host."""
        self.cast(ctxt, "shelve_offload_instance", server=host, instance=instance)

    def unshelve_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """Take a server out again, on the host where it is shelved or that the scheduler claimed for it."""
        self.cast(ctxt, "unshelve_instance", server=host, instance=instance)

    def migration_source(self, ctxt: RequestContext, host: str, instance: Instance) -> MigrationSource:
        """What a destination must know of a guest.

        :raises GuestNotFound, NotSupported, MigrationPreCheckError:
        """
        return cast(MigrationSource, self.call(ctxt, "migration_source", server=host, instance=instance))

    def check_destination(
        self, ctxt: RequestContext, host: str, instance: Instance, source: MigrationSource, block: bool | None
    ) -> bool:
        """Whether disks will be copied, when a guest comes here.

        :raises NotSupported, MigrationPreCheckError: it cannot come
        """
        return cast(
            bool, self.call(ctxt, "check_destination", server=host, instance=instance, source=source, block=block)
        )

    def live_migrate_instance(
        self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration, block: bool
    ) -> None:
        """Send a running guest on its way. The host is the migration's source."""
        self.cast(ctxt, "live_migrate_instance", server=host, instance=instance, migration=migration, block=block)

    def prepare_destination(
        self, ctxt: RequestContext, host: str, instance: Instance, source: MigrationSource
    ) -> MigrationTarget:
        """Make ready what must be there before a guest comes.

        :raises MinicloudError: and then nothing of it is left
        """
        return cast(
            MigrationTarget, self.call(ctxt, "prepare_destination", server=host, instance=instance, source=source)
        )

    def rollback_destination(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """A guest does not come."""
        self.cast(ctxt, "rollback_destination", server=host, instance=instance)

    def has_guest(self, ctxt: RequestContext, host: str, instance: Instance) -> bool:
        """Whether a hypervisor has a server's guest, running or not."""
        return cast(bool, self.call(ctxt, "has_guest", server=host, instance=instance))

    def finish_live_migration(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """A guest has come. The host is the migration's destination."""
        self.cast(ctxt, "finish_live_migration", server=host, instance=instance, migration=migration)

    def abort_live_migration(self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration) -> None:
        """Let a guest stay. The host is the source."""
        self.cast(ctxt, "abort_live_migration", server=host, instance=instance, migration=migration)

    def force_complete_live_migration(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        """End a migration at any price. The host is the source."""
        self.cast(ctxt, "force_complete_live_migration", server=host, instance=instance)

    def evacuate_instance(
        self, ctxt: RequestContext, host: str, instance: Instance, migration: Migration, stop: bool
    ) -> None:
        """Make a server anew whose host is gone. The host is the migration's destination.

        :param stop: it is off afterwards, whatever it was
        """
        self.cast(ctxt, "evacuate_instance", server=host, instance=instance, migration=migration, stop=stop)

    def remove_evacuated(self, ctxt: RequestContext, host: str) -> None:
        """Remove the guests of servers that were evacuated from a host that is back, or was never gone."""
        self.cast(ctxt, "remove_evacuated", server=host)
