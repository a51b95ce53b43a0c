# SPDX-License-Identifier: Apache-2.0
"""The role of drivers whose guests go to another host while they run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from minicloud import exception
from minicloud.objects import MigrationProgress, MigrationSource, MigrationTarget
from minicloud.virt.driver import ComputeDriver, Order, SpawnOrder


class SupportsLiveMigration(ABC):
    """Guests can go to another host of the same kind without a stop.

    The calls in their order, each on its host: :meth:`migration_source` (source),
    :meth:`check_destination` (destination), and for the host that is chosen again
    :meth:`migration_source`, :meth:`prepare_destination` (destination), :meth:`live_migrate`
    (source), then :meth:`finish_at_destination` (destination) and :meth:`clean_source` (source).
    When anything before the end of :meth:`live_migrate` fails, :meth:`rollback_destination`.

    What is asked to find out how a migration ended, after a crash of either service: where
    :meth:`ComputeDriver.guests` has it. So until :meth:`live_migrate` has succeeded the source
    must list the guest, and from then on it must not (a migrated libvirt domain is gone, or
    undefined, there); the destination lists it as soon as the hypervisor has it, running or not.
    """

    @abstractmethod
    def migration_source(self, order: Order) -> MigrationSource:
        """At the source: what a destination must know of the guest; changes nothing.

        :raises GuestNotFound:
        :raises MigrationPreCheckError: when the guest cannot go anywhere
        """

    @abstractmethod
    def check_destination(self, order: Order, source: MigrationSource, *, block: bool | None) -> bool:
        """At a destination: whether it could take the guest; keeps nothing, whatever comes out.

        Things to look at: the same kind of driver, CPU model and machine type, room for copied disks.

        :param block: whether local disks are to be copied; None: find out, they are when not shared
        :returns: whether disks will be copied
        :raises MigrationPreCheckError: with a reason that an operator can act on; another host is tried
        """

    @abstractmethod
    def prepare_destination(self, order: SpawnOrder, source: MigrationSource) -> MigrationTarget:
        """At the destination: all that must be there before the guest is: disks of the right sizes, backing
        files, interfaces' bridges, config drive. Idempotent.

        :param order: as for a new guest on this host
        """

    @abstractmethod
    def live_migrate(
        self, order: Order, target: MigrationTarget, *, block: bool, progress: Callable[[MigrationProgress], None]
    ) -> None:
        """At the source: move the guest, which takes seconds to hours; returns when it runs at the destination.

        Peer to peer, this is one blocking call of the hypervisor, with a thread beside it that asks for the
        job's statistics, reports them, and aborts the job when ``order.cancelled`` is set.

        :param block: as :meth:`check_destination` answered
        :param progress: to be called every second or so; quick, and never raises
        :raises Cancelled: when ``order.cancelled`` was set; the guest goes on here
        :raises VirtError: it failed, or was aborted; the guest goes on here
        """

    @abstractmethod
    def finish_at_destination(self, order: SpawnOrder) -> None:
        """At the destination: make the guest stay: define it, note its metadata, resume what hangs. Idempotent.

        ``order.instance.power_state`` is what it was before.

        :raises GuestNotFound: when it did not arrive
        """

    @abstractmethod
    def clean_source(self, order: Order) -> None:
        """At the source: remove what the guest left behind, such as disks that were copied. Idempotent."""

    @abstractmethod
    def rollback_destination(self, order: Order) -> None:
        """At the destination: remove what was prepared, and what arrived half. Idempotent."""

    @abstractmethod
    def abort_migration(self, order: Order) -> None:
        """At the source, from another thread: let :meth:`live_migrate` end soon, with the guest still here.

        Also called at a start of the service, for what the last run left going on. Nothing when there is nothing.
        """

    @abstractmethod
    def force_complete(self, order: Order) -> None:
        """At the source, from another thread: end it at any price: pause the guest, or switch to post-copy.

        Nothing when there is nothing.
        """


def migrating(driver: ComputeDriver) -> SupportsLiveMigration:
    """:raises NotSupported:"""
    if not isinstance(driver, SupportsLiveMigration):
        raise exception.NotSupported(what="live migration")
    return driver
