# SPDX-License-Identifier: Apache-2.0
"""What the Docker driver can do besides the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from minicloud import exception
from minicloud.objects import ConsoleAddress, Diagnostics, Instance, Vif
from minicloud.states import Power
from minicloud.virt import roles
from minicloud.virt.docker import settings, stats
from minicloud.virt.docker.guests import process_of
from minicloud.virt.docker.rescue import MOUNT
from minicloud.virt.docker.survey import DockerSurvey
from minicloud.virt.driver import Order, SpawnOrder


class DockerDriver(
    DockerSurvey,
    roles.SupportsPause,
    roles.SupportsConsoleOutput,
    roles.SupportsSerialConsole,
    roles.SupportsInterfaces,
    roles.SupportsSnapshot,
    roles.SupportsResize,
    roles.SupportsRescue,
    roles.SupportsDiagnostics,
    roles.SupportsGuestEvents,
):
    """One host. Docker puts nothing to disk and back, and asks nobody in a container for a password."""

    def pause(self, order: Order) -> None:
        self._freeze(order, Power.PAUSED)

    def unpause(self, order: Order) -> None:
        self._freeze(order, Power.RUNNING)

    def _freeze(self, order: Order, wanted: Power) -> None:
        uuid = order.instance.uuid
        if self.power_state(uuid) == wanted:
            return
        with self._daemon.asked(uuid) as api:
            (api.pause if wanted == Power.PAUSED else api.unpause)(self._guests.name(uuid))

    def console_output(self, instance: Instance) -> str:
        self._guests.find(instance.uuid)
        with self._daemon.asked(instance.uuid) as api:
            text: bytes = api.logs(self._guests.name(instance.uuid))
        return text.decode(errors="replace").replace("\r\n", "\n")

    def serial_console(self, instance: Instance) -> ConsoleAddress:
        found = self._guests.find(instance.uuid)
        if process_of(found) is None:
            raise exception.ConsoleNotAvailable(instance_uuid=instance.uuid, reason="the server does not run")
        try:
            port = self._consoles.port(self._guests.name(instance.uuid))
        except OSError as error:
            reason = f"[docker] serial_listen is no address to listen on: {error}"
            raise exception.ConsoleNotAvailable(instance_uuid=instance.uuid, reason=reason) from error
        return ConsoleAddress(host=self._options.console_address, port=port)

    def attach_interface(self, order: Order, vif: Vif) -> None:
        self._wiring.add(order.instance.uuid, vif)

    def detach_interface(self, order: Order, vif: Vif) -> None:
        self._wiring.remove(order.instance.uuid, vif)

    def snapshot(self, order: Order) -> Iterable[bytes]:
        """The file system as ``docker save`` writes it; the guest is frozen only while Docker copies it."""
        container = self._guests.find(order.instance.uuid)["Id"]

        def pieces() -> Iterator[bytes]:
            with self._daemon.asked(order.instance.uuid):
                yield from self._images.save(container, order.cancelled)

        return pieces()

    def migrate_out(self, order: Order) -> None:
        self.power_off(order)

    def finish_migration(self, order: SpawnOrder) -> None:
        self._resize(order)

    def revert_migration(self, order: SpawnOrder) -> None:
        self._resize(order)

    def _resize(self, order: SpawnOrder) -> None:
        """On this host only: a container's file system is in layers of its host's Docker."""
        instance = order.instance
        try:
            self._guests.find(instance.uuid)
        except exception.GuestNotFound:
            raise exception.NotSupported(
                "Containers do not move between hosts: a server in a container can be resized on its own host only."
            ) from None
        with self._daemon.asked(instance.uuid) as api:
            api.update_container(self._guests.name(instance.uuid), **settings.limits(instance.flavor))
            self._start(order, order.vifs)

    def rescue(self, order: SpawnOrder) -> None:
        uuid = order.instance.uuid
        name = self._guests.name(uuid)
        with self._daemon.asked(uuid):
            if not self._rescues.is_on(name):
                self.power_off(order)
            image = self._images.ensure(order)
            self._rescues.begin(name)
            folder = self._rescues.mount(name, uuid)
        self._make(order, image, {folder: {"bind": MOUNT, "mode": "rw"}})

    def unrescue(self, order: Order) -> None:
        uuid = order.instance.uuid
        with self._daemon.asked(uuid):
            self._rescues.end(self._guests.name(uuid), uuid)
        self.power_on(order)

    def diagnostics(self, instance: Instance) -> Diagnostics:
        found = self._guests.find(instance.uuid)
        with self._daemon.asked(instance.uuid) as api:
            sample = api.stats(found["Id"], stream=False, one_shot=True) if found["State"]["Running"] else {}
        return stats.diagnostics(instance, found, sample, self._store.vifs(instance.uuid))

    def listen(self, changed: Callable[[str], None]) -> None:
        self._events.tell(changed)
