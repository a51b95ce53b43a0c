# SPDX-License-Identifier: Apache-2.0
"""The core of the Docker driver: each guest is one container, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker import errors
from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import ComputeNode, Instance
from minicloud.states import Power
from minicloud.virt import identity
from minicloud.virt.docker import keys, settings
from minicloud.virt.docker.consoles import Consoles
from minicloud.virt.docker.daemon import Daemon, why
from minicloud.virt.docker.events import Events
from minicloud.virt.docker.guests import Guests
from minicloud.virt.docker.images import Images
from minicloud.virt.docker.network.wiring import Wiring
from minicloud.virt.docker.nodes import node
from minicloud.virt.docker.rescue import Rescues
from minicloud.virt.docker.store import Store
from minicloud.virt.driver import Cancelled, ComputeDriver, Order, SpawnOrder

LOG = logging.getLogger(__name__)

_GIB = 1 << 30

#: Seconds until a command that cannot be run has shown it, and what it then ends with, as in a shell.
_START = 0.05
_NO_COMMAND = (126, 127)


class DockerHypervisor(ComputeDriver):
    """The core of one host."""

    def __init__(self, conf: cfg.ConfigOpts, host: str) -> None:
        super().__init__(conf, host)
        options = self._options = conf.docker
        folder = Path(conf.state_dir) / "docker" / host
        self._daemon = Daemon(options)
        self._guests = Guests(self._daemon, host, options.name_prefix, identity.cloud_id(conf.state_dir))
        self._store = Store(folder / "guests")
        self._images = Images(self._daemon, folder / "incoming", options.name_prefix, options.max_image_gb * _GIB)
        self._wiring = Wiring(self._guests, self._store, metadata_on_link=options.metadata_route == "link")
        self._consoles = Consoles(self._daemon, options.serial_listen)
        self._rescues = Rescues(self._daemon, self._store)
        self._events = Events(self._daemon, self._guests, self._wiring)

    def init_host(self) -> None:
        self._daemon.connect()
        self._images.sweep()
        self._events.start()

    def cleanup_host(self) -> None:
        self._events.stop()
        self._consoles.close_all()
        self._daemon.close()

    def ailment(self) -> str | None:
        return self._daemon.ailment()

    def nodes(self) -> list[ComputeNode]:
        with self._daemon.asked("") as api:
            return [node(self.host, api.info())]

    def guests(self) -> Mapping[str, Power]:
        return self._guests.powers()

    def traces(self) -> set[str]:
        return {*self.guests(), *self._store.guests()}

    def power_state(self, instance_uuid: str) -> Power:
        return self._guests.power(instance_uuid)

    # --- from nothing and back -------------------------------------------------------------

    def spawn(self, order: SpawnOrder) -> None:
        with order.stages.of("image"):
            image = self._images.ensure(order)
        if order.cancelled.is_set():
            raise Cancelled()
        self.destroy(order)  # what an earlier try has left
        self._make(order, image, {})

    def _make(self, order: SpawnOrder, image: dict[str, Any], binds: settings.Binds) -> None:
        try:
            with order.stages.of("define"):
                self._create(order, image, binds)
            with order.stages.of("start"):
                self._start(order, order.vifs)
                self._check_command(order)
        except (errors.DockerException, OSError) as error:
            raise _failure(order.instance, error) from error

    def _create(self, order: SpawnOrder, image: dict[str, Any], binds: settings.Binds) -> None:
        """
        :param binds: beside the config drive
        """
        instance, api = order.instance, self._daemon.api
        self._store.keep_vifs(instance.uuid, order.vifs)
        if config_drive := self._store.keep_files(instance.uuid, order.files):
            binds = {**binds, config_drive: {"bind": settings.CONFIG_DRIVE, "mode": "ro"}}
        program = settings.program(instance, image)
        config = settings.host_config(self._options, instance, order.vifs, binds, is_init=program.is_init)
        name = self._guests.name(instance.uuid)
        api.create_container(
            image["Id"],
            command=program.command,
            # A property of the image replaces all that its Docker image says it runs.
            entrypoint=[] if program.command else None,
            hostname=settings.host_name(instance),
            name=name,
            labels=self._guests.labels(instance.uuid),
            stop_signal=program.stop_signal,
            # A console, on which a shell stays.
            tty=True,
            stdin_open=True,
            host_config=api.create_host_config(**config),
        )
        if instance.key_data:
            keys.authorize(api, name, instance.key_data)

    def _check_command(self, order: SpawnOrder) -> None:
        """The program that takes care of processes is what Docker starts; it ends when there is no such command."""
        order.cancelled.wait(_START)
        name = self._guests.name(order.instance.uuid)
        state = self._daemon.api.inspect_container(name)["State"]
        if not state["Running"] and state["ExitCode"] in _NO_COMMAND:
            said = self._daemon.api.logs(name, tail=5).decode(errors="replace").strip()
            raise exception.BuildAborted(instance_uuid=order.instance.uuid, reason=f"it does not run: {said}")

    def destroy(self, order: Order) -> None:
        uuid = order.instance.uuid
        self._consoles.close(self._guests.name(uuid))
        with suppress(exception.GuestNotFound):
            self._guests.find(uuid)
            with self._daemon.asked(uuid) as api:
                api.remove_container(self._guests.name(uuid), v=True, force=True)
        with self._daemon.asked(uuid):
            self._rescues.forget(self._guests.name(uuid), uuid)
        self._wiring.forget(uuid, order.instance.network_info)

    # --- on and off ------------------------------------------------------------------------

    def power_on(self, order: Order) -> None:
        power = self.power_state(order.instance.uuid)
        with self._daemon.asked(order.instance.uuid) as api:
            if power == Power.PAUSED:
                api.unpause(self._guests.name(order.instance.uuid))
            self._start(order, order.instance.network_info)

    def power_off(self, order: Order) -> None:
        self._stop(order, self._options.stop_timeout)

    def reboot(self, order: Order, *, hard: bool) -> None:
        self._stop(order, 0 if hard else self._options.stop_timeout)
        self.power_on(order)

    def _start(self, order: Order, vifs: Any) -> None:
        """Docker does nothing when it runs already; interfaces are as new as its namespace."""
        uuid = order.instance.uuid
        name = self._guests.name(uuid)
        if self._rescues.is_on(name):
            self._rescues.mount(name, uuid)  # a restart of the machine has undone it
        self._daemon.api.start(name)
        self._wiring.refresh(uuid, vifs)

    def _stop(self, order: Order, timeout: int) -> None:
        """
        :param timeout: seconds until it is killed
        """
        uuid = order.instance.uuid
        power = self.power_state(uuid)
        with self._daemon.asked(uuid) as api:
            name = self._guests.name(uuid)
            if power == Power.PAUSED:  # it could not hear the signal
                api.unpause(name)
            api.stop(name, timeout=timeout)


def _failure(instance: Instance, error: Exception) -> exception.MinicloudError:
    """What Docker calls a bad request it would not take on another host either."""
    is_final = isinstance(error, errors.APIError) and error.is_client_error() and error.status_code != 409
    kind = exception.BuildAborted if is_final else exception.BuildFailed
    return kind(instance_uuid=instance.uuid, reason=why(error))
