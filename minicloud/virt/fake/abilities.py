# SPDX-License-Identifier: Apache-2.0
"""What the fake driver can do besides the core: everything there is a role for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from minicloud import exception
from minicloud.objects import ConsoleAddress, Diagnostics, Instance, Vif
from minicloud.states import Power
from minicloud.virt import roles
from minicloud.virt.driver import Order, SpawnOrder
from minicloud.virt.fake import console, lines, usage
from minicloud.virt.fake.migration import FakeLiveMigration
from minicloud.virt.fake.survey import FakeSurvey


class FakeDriver(
    FakeLiveMigration,
    FakeSurvey,
    roles.SupportsPause,
    roles.SupportsSuspend,
    roles.SupportsConsoleOutput,
    roles.SupportsVncConsole,
    roles.SupportsSerialConsole,
    roles.SupportsDiagnostics,
    roles.SupportsInterfaces,
    roles.SupportsSnapshot,
    roles.SupportsResize,
    roles.SupportsRescue,
    roles.SupportsAdminPassword,
):
    """One fake host."""

    def pause(self, order: Order) -> None:
        self._change(order, "pause", Power.PAUSED)

    def unpause(self, order: Order) -> None:
        self._change(order, "unpause", Power.RUNNING)

    def suspend(self, order: Order) -> None:
        self._change(order, "suspend", Power.SUSPENDED, "suspend")

    def resume(self, order: Order) -> None:
        self._change(order, "resume", Power.RUNNING, "resume")

    def console_output(self, instance: Instance) -> str:
        return console.render(self._guest(instance.uuid))

    def vnc_console(self, instance: Instance) -> ConsoleAddress:
        return ConsoleAddress(host=lines.ADDRESS, port=self._port(instance, "vnc"), protocol="vnc")

    def serial_console(self, instance: Instance) -> ConsoleAddress:
        return ConsoleAddress(host=lines.ADDRESS, port=self._port(instance, "serial"))

    def _port(self, instance: Instance, kind: str) -> int:
        guest = self._guest(instance.uuid)
        if guest.power not in (Power.RUNNING, Power.PAUSED):
            raise exception.ConsoleNotAvailable(instance_uuid=guest.uuid, reason="it is off")

        def history() -> str:
            return console.render(self._store.get(guest.uuid) or guest)

        return self._consoles.open(guest.uuid, kind, guest.name, history)

    def diagnostics(self, instance: Instance) -> Diagnostics:
        return usage.of(self._guest(instance.uuid), instance)

    def snapshot(self, order: Order) -> Iterable[bytes]:
        """A fake disk holds nothing but what its guest is."""
        guest = self._before(order, "snapshot")
        return [msgspec.json.encode(guest), b"\n"]

    def migrate_out(self, order: Order) -> None:
        self._change(order, "migrate_out", Power.SHUTDOWN, "shutdown")

    def finish_migration(self, order: SpawnOrder) -> None:
        self._faults.action(order, "finish_migration")
        self._put(order)

    def revert_migration(self, order: SpawnOrder) -> None:
        self._faults.action(order, "revert_migration")
        self._put(order)

    def rescue(self, order: SpawnOrder) -> None:
        image_id = order.image.id if order.image is not None else order.instance.image_id
        self._change(order, "rescue", Power.RUNNING, f"rescue {image_id}")

    def unrescue(self, order: Order) -> None:
        self._change(order, "unrescue", Power.RUNNING, "boot")

    def set_admin_password(self, order: Order, password: str) -> None:
        """A fake guest has nobody who could log in, so that nothing is kept."""
        self._before(order, "set_admin_password")

    def attach_interface(self, order: Order, vif: Vif) -> None:
        guest = self._before(order, "attach_interface")
        if vif.mac_address not in guest.macs:
            self._store.put(msgspec.structs.replace(guest, macs=(*guest.macs, vif.mac_address)))

    def detach_interface(self, order: Order, vif: Vif) -> None:
        guest = self._before(order, "detach_interface")
        macs = tuple(mac for mac in guest.macs if mac != vif.mac_address)
        self._store.put(msgspec.structs.replace(guest, macs=macs))
