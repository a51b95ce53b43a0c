# SPDX-License-Identifier: Apache-2.0
"""What some drivers can do besides the core. A capability is ``isinstance``, not a flag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from minicloud import exception
from minicloud.objects import ConsoleAddress, Diagnostics, Instance, MigrationSource, Vif
from minicloud.virt.driver import ComputeDriver, Order, SpawnOrder


class SupportsPause(ABC):
    """Guests can be frozen in memory."""

    @abstractmethod
    def pause(self, order: Order) -> None: ...

    @abstractmethod
    def unpause(self, order: Order) -> None: ...


class SupportsSuspend(ABC):
    """Guests can be put to disk and come back where they were."""

    @abstractmethod
    def suspend(self, order: Order) -> None: ...

    @abstractmethod
    def resume(self, order: Order) -> None: ...


class SupportsConsoleOutput(ABC):
    """What guests write to their serial console is kept."""

    @abstractmethod
    def console_output(self, instance: Instance) -> str:
        """All that is kept.

        :raises GuestNotFound:
        """


class SupportsVncConsole(ABC):
    """Guests have a screen."""

    @abstractmethod
    def vnc_console(self, instance: Instance) -> ConsoleAddress:
        """
        :raises GuestNotFound:
        :raises ConsoleNotAvailable: while it does not run
        """


class SupportsSerialConsole(ABC):
    """Guests have a serial line that can be typed on."""

    @abstractmethod
    def serial_console(self, instance: Instance) -> ConsoleAddress:
        """
        :raises GuestNotFound:
        :raises ConsoleNotAvailable: while it does not run, or has no such line
        """


class SupportsDiagnostics(ABC):
    """The hypervisor counts what guests use."""

    @abstractmethod
    def diagnostics(self, instance: Instance) -> Diagnostics:
        """:raises GuestNotFound:"""


class SupportsGuestEvents(ABC):
    """The hypervisor tells when guests stop or start by themselves."""

    @abstractmethod
    def listen(self, changed: Callable[[str], None]) -> None:
        """
        :param changed: called with a guest's uuid, from any thread and perhaps for nothing, until ``cleanup_host``
        """


class SupportsSnapshot(ABC):
    """A guest's disk can be copied while the guest goes on."""

    @abstractmethod
    def snapshot(self, order: Order) -> Iterable[bytes]:
        """The disk as it is now, in pieces, in the disk format of the instance's image.

        :raises GuestNotFound:
        """


class SupportsResize(ABC):
    """Guests can get another size, and go to another host of the same kind, and back.

    What is left at the source is removed by ``destroy`` once nobody wants it back; source and
    destination may be one host, then nothing is destroyed.
    """

    @abstractmethod
    def migrate_out(self, order: Order) -> None:
        """Stop a guest and keep its disk for the destination and for the way back; idempotent.

        :raises GuestNotFound:
        """

    @abstractmethod
    def finish_migration(self, order: SpawnOrder) -> None:
        """Make and start the guest with the instance's flavor from the disk of :meth:`migrate_out`; idempotent."""

    @abstractmethod
    def revert_migration(self, order: SpawnOrder) -> None:
        """Start the guest that was kept here, with the instance's flavor; idempotent."""


class SupportsDiskTransfer(SupportsResize):
    """Guests can also go to a host that does not see their disks.

    It fetches them between :meth:`SupportsResize.migrate_out` and :meth:`SupportsResize.finish_migration`.
    """

    @abstractmethod
    def lacks_disks(self, order: Order) -> bool:
        """At the destination: whether they are to be fetched."""

    @abstractmethod
    def offer_disks(self, order: Order) -> MigrationSource:
        """At the source: how they are reached; changes nothing."""

    @abstractmethod
    def fetch_disks(self, order: Order, source: MigrationSource, wanted: Callable[[], None]) -> None:
        """At the destination: copy them, which takes minutes; idempotent. Those at the source stay for the way back.

        :param wanted: called often; what it raises ends the copying
        :raises Cancelled:
        """


class SupportsRescue(ABC):
    """Guests can be started from another image to be repaired, and go back to their own."""

    @abstractmethod
    def rescue(self, order: SpawnOrder) -> None:
        """Idempotent; the guest's own disk stays as it is.

        :param order: with the image to rescue from
        :raises GuestNotFound:
        """

    @abstractmethod
    def unrescue(self, order: Order) -> None:
        """Start the guest from its own disk again.

        :raises GuestNotFound:
        """


class SupportsAdminPassword(ABC):
    """An agent in the guest can set a password."""

    @abstractmethod
    def set_admin_password(self, order: Order, password: str) -> None:
        """:raises GuestNotFound:"""


class SupportsInterfaces(ABC):
    """Running guests can get and lose interfaces; both verbs are idempotent."""

    @abstractmethod
    def attach_interface(self, order: Order, vif: Vif) -> None:
        """:raises GuestNotFound:"""

    @abstractmethod
    def detach_interface(self, order: Order, vif: Vif) -> None:
        """:raises GuestNotFound:"""


def pausing(driver: ComputeDriver) -> SupportsPause:
    """:raises NotSupported: when the driver has no such role, as in the functions below"""
    if not isinstance(driver, SupportsPause):
        raise exception.NotSupported(what="pause")
    return driver


def suspending(driver: ComputeDriver) -> SupportsSuspend:
    if not isinstance(driver, SupportsSuspend):
        raise exception.NotSupported(what="suspend")
    return driver


def console(driver: ComputeDriver) -> SupportsConsoleOutput:
    if not isinstance(driver, SupportsConsoleOutput):
        raise exception.NotSupported(what="console output")
    return driver


def screens(driver: ComputeDriver) -> SupportsVncConsole:
    if not isinstance(driver, SupportsVncConsole):
        raise exception.NotSupported(what="VNC consoles")
    return driver


def serial_lines(driver: ComputeDriver) -> SupportsSerialConsole:
    if not isinstance(driver, SupportsSerialConsole):
        raise exception.NotSupported(what="serial consoles")
    return driver


def diagnosing(driver: ComputeDriver) -> SupportsDiagnostics:
    if not isinstance(driver, SupportsDiagnostics):
        raise exception.NotSupported(what="diagnostics")
    return driver


def interfaces(driver: ComputeDriver) -> SupportsInterfaces:
    if not isinstance(driver, SupportsInterfaces):
        raise exception.NotSupported(what="attaching and detaching interfaces")
    return driver


def snapshots(driver: ComputeDriver) -> SupportsSnapshot:
    if not isinstance(driver, SupportsSnapshot):
        raise exception.NotSupported(what="snapshots")
    return driver


def resizing(driver: ComputeDriver) -> SupportsResize:
    if not isinstance(driver, SupportsResize):
        raise exception.NotSupported(what="resize and migration")
    return driver


def rescuing(driver: ComputeDriver) -> SupportsRescue:
    if not isinstance(driver, SupportsRescue):
        raise exception.NotSupported(what="rescue")
    return driver


def passwords(driver: ComputeDriver) -> SupportsAdminPassword:
    if not isinstance(driver, SupportsAdminPassword):
        raise exception.NotSupported(what="setting a password")
    return driver
