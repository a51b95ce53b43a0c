# SPDX-License-Identifier: Apache-2.0
"""What the libvirt driver can do besides the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libvirt

from minicloud import exception
from minicloud.objects import ConsoleAddress, Diagnostics, Instance, Vif
from minicloud.virt import roles
from minicloud.virt.driver import Order
from minicloud.virt.libvirt import console, diagnostics, snapshot
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import errors
from minicloud.virt.libvirt.host.errors import reported
from minicloud.virt.libvirt.migration import LibvirtLiveMigration
from minicloud.virt.libvirt.moves import LibvirtMoves
from minicloud.virt.libvirt.plugging import plug, unplug
from minicloud.virt.libvirt.survey import LibvirtSurvey


class LibvirtDriver(
    LibvirtMoves,
    LibvirtLiveMigration,
    LibvirtSurvey,
    roles.SupportsPause,
    roles.SupportsSuspend,
    roles.SupportsConsoleOutput,
    roles.SupportsVncConsole,
    roles.SupportsSerialConsole,
    roles.SupportsInterfaces,
    roles.SupportsSnapshot,
    roles.SupportsAdminPassword,
    roles.SupportsDiagnostics,
    roles.SupportsGuestEvents,
):
    """One host."""

    @reported
    def pause(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        if guest.domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            guest.domain.suspend()

    @reported
    def unpause(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        if guest.domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            guest.domain.resume()

    @reported
    def suspend(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        if guest.is_active:
            guest.domain.managedSave(0)

    @reported
    def resume(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        if guest.is_active:
            guest.resume_or_start()
        else:
            self._start(guest)

    # --- consoles --------------------------------------------------------------------------

    @reported
    def console_output(self, instance: Instance) -> str:
        self._guests.find(instance.uuid)
        return console.read_log(self._folder(instance).path, self._options.console_log_kb * 1024)

    @reported
    def vnc_console(self, instance: Instance) -> ConsoleAddress:
        port = console.screen_port(self._running(instance).definition(live=True))
        if port is None:
            raise exception.ConsoleNotAvailable(instance_uuid=instance.uuid, reason="it has no screen")
        return ConsoleAddress(host=self._options.console_address, port=port, protocol="vnc")

    @reported
    def serial_console(self, instance: Instance) -> ConsoleAddress:
        ports = console.ports_of(self._running(instance).definition(live=True))
        if not ports:
            raise exception.ConsoleNotAvailable(instance_uuid=instance.uuid, reason="it has no serial line")
        return ConsoleAddress(host=self._options.console_address, port=ports[0])

    def _running(self, instance: Instance) -> Guest:
        guest = self._guests.find(instance.uuid)
        if not guest.is_active:
            raise exception.ConsoleNotAvailable(instance_uuid=instance.uuid, reason="it does not run")
        return guest

    # --- the rest --------------------------------------------------------------------------

    @reported
    def attach_interface(self, order: Order, vif: Vif) -> None:
        guest = self._guests.find(order.instance.uuid)
        plug(guest, self._plan(order.instance), vif)

    @reported
    def detach_interface(self, order: Order, vif: Vif) -> None:
        guest = self._guests.find(order.instance.uuid)
        unplug(guest, vif, self._options.detach_timeout, order.cancelled)

    @reported
    def snapshot(self, order: Order) -> Iterable[bytes]:
        guest = self._guests.find(order.instance.uuid)
        root = next((disk for disk in self._disks.all(self._folder(order.instance)) if disk.role == "root"), None)
        if root is None:
            raise exception.NotSupported("A server without a disk on its host has nothing to make an image of.")
        disk_format = str(order.instance.image_properties.get("disk_format") or "raw")
        snapshot.qemu_format(disk_format)
        return snapshot.snapshot(guest, root, disk_format, order.cancelled)

    @reported
    def set_admin_password(self, order: Order, password: str) -> None:
        guest = self._guests.find(order.instance.uuid)
        wishes = order.instance.image_properties
        if not self._plan(order.instance).wishes.boolean("hw_qemu_guest_agent"):
            raise exception.NotSupported(
                "The image does not say hw_qemu_guest_agent=yes: without an agent in the guest nobody sets passwords."
            )
        user = str(wishes.get("os_admin_user") or ("Administrator" if wishes.get("os_type") == "windows" else "root"))
        try:
            guest.domain.setUserPassword(user, password)
        except libvirt.libvirtError as error:
            if errors.has_code(error, libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED):
                raise exception.VirtError(reason="the agent in the guest does not answer") from error
            raise

    @reported
    def diagnostics(self, instance: Instance) -> Diagnostics:
        return diagnostics.diagnostics(self._guests.find(instance.uuid), instance, self._facts)

    def listen(self, changed: Callable[[str], None]) -> None:
        def ours(uuid: str) -> None:
            if self._guests.is_known(uuid):
                changed(uuid)

        self._teller.start(ours)
