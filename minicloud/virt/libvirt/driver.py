# SPDX-License-Identifier: Apache-2.0
"""The core of the libvirt driver: making guests, switching them on and off, removing them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import libvirt
from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import ComputeNode, Instance, Vif
from minicloud.states import Power
from minicloud.virt import config_drive, identity
from minicloud.virt.driver import Cancelled, ComputeDriver, Order, SpawnOrder
from minicloud.virt.images import ImageCache
from minicloud.virt.libvirt import console, domain, snapshot, vif
from minicloud.virt.libvirt.domain.cpu import dedicated
from minicloud.virt.libvirt.domain.plan import DiskFile, Plan
from minicloud.virt.libvirt.guest import Guest, Guests
from minicloud.virt.libvirt.host import errors, facts, node, probe
from minicloud.virt.libvirt.host.connection import Connection
from minicloud.virt.libvirt.host.errors import reported
from minicloud.virt.libvirt.host.events import Teller
from minicloud.virt.libvirt.host.reservations import Reservations
from minicloud.virt.libvirt.storage import root_fs
from minicloud.virt.libvirt.storage.disks import Disks
from minicloud.virt.libvirt.storage.folder import GuestFolder, folders
from minicloud.virt.libvirt.wishes import Impossible, Lacking

LOG = logging.getLogger(__name__)

_URIS = {"lxc": "lxc:///system"}
_DEFAULT_URI = "qemu:///system"

#: How often a guest is started whose ports or bridges others snatch.
_STARTS = 5


class LibvirtHypervisor(ComputeDriver):
    """One host whose guests are libvirt's."""

    def __init__(self, conf: cfg.ConfigOpts, host: str) -> None:
        super().__init__(conf, host)
        self._options = conf.libvirt
        self._instances = Path(self._options.instances_path or Path(conf.state_dir) / "instances").absolute()
        self._connection = Connection(self._options.connection_uri or _URIS.get(self._options.virt_type, _DEFAULT_URI))
        self._connection.on_connect = self._connected
        self._cloud = identity.cloud_id(conf.state_dir)
        self._guests = Guests(self._connection, host, self._cloud)
        self._teller = Teller()
        self._known: facts.Facts | None = None
        self._made_disks: Disks | None = None
        self._ports = console.ports(self._options)
        self._pins = Reservations(self._options.dedicated_cpus)
        #: Two containers that start at once would take the same loop device.
        self._loops = threading.Lock()

    # --- the host --------------------------------------------------------------------------

    def init_host(self) -> None:
        self._connection.reopen()
        try:
            self._instances.mkdir(parents=True, exist_ok=True, mode=0o711)
            self._facts  # noqa: B018  # asked for now, so that what is wrong is said at the start
            for guest in self._guests.all():
                self._adopt(guest)
        except (OSError, exception.VirtError, libvirt.libvirtError) as error:
            raise exception.ConfigurationError(reason=f"the libvirt driver cannot start: {error}") from error

    def cleanup_host(self) -> None:
        self._teller.stop()
        self._connection.close()

    def ailment(self) -> str | None:
        return self._connection.ailment

    @reported
    def nodes(self) -> list[ComputeNode]:
        return [node.node(self.host, self._facts, self._instances)]

    @reported
    def guests(self) -> Mapping[str, Power]:
        found = {}
        for guest in self._guests.all():
            try:
                found[guest.uuid] = guest.power()
            except libvirt.libvirtError as error:
                if not errors.has_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                    raise
        return found

    def traces(self) -> set[str]:
        return {*self.guests(), *folders(self._instances, self.host)}

    @reported
    def power_state(self, instance_uuid: str) -> Power:
        return self._guests.find(instance_uuid).power()

    # --- making and removing ---------------------------------------------------------------

    def spawn(self, order: SpawnOrder) -> None:
        uuid = order.instance.uuid
        try:
            self._spawn(order)
        except BaseException as error:
            LOG.info("What a failed build left is removed [instance: %s]", uuid)
            try:
                self.destroy(order)
            except Exception:
                LOG.exception("Something of a failed build is left [instance: %s]", uuid)
            if isinstance(error, Impossible):
                raise exception.BuildAborted(instance_uuid=uuid, reason=str(error)) from error
            if isinstance(error, libvirt.libvirtError):
                raise exception.BuildFailed(instance_uuid=uuid, reason=errors.reason(error)) from error
            if isinstance(error, Lacking | exception.VirtError | OSError):
                raise exception.BuildFailed(instance_uuid=uuid, reason=str(error)) from error
            raise

    def _spawn(self, order: SpawnOrder) -> None:
        if (left := self._guests.seek(order.instance.uuid)) is not None:
            left.force_off()
            left.undefine()
        folder = self._folder(order.instance)
        # Before an image is fetched for a guest that cannot be.
        domain.build(self._plan(order.instance, self._disks.nominal(order, folder), order.vifs))
        # A server of a dead host whose disk is here all the same goes on with it.
        is_evacuated = order.purpose == "evacuate" and folder.exists
        disks = self._disks.take_over(order, folder) if is_evacuated else self._disks.make(order, folder)
        _check(order)
        with order.stages.of("define"):
            guest = self._define(order.instance, disks, order.vifs)
        with order.stages.of("start"):
            self._start(guest)
        _check(order)

    @reported
    def destroy(self, order: Order) -> None:
        uuid = order.instance.uuid
        if (guest := self._guests.seek(uuid)) is not None:
            guest.force_off()
            guest.undefine()
        self._folder(order.instance).remove()
        if self._is_container:
            root_fs.remove(uuid)
        self._ports.release(uuid)
        self._pins.release(uuid)

    # --- power -----------------------------------------------------------------------------

    @reported
    def power_on(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        if guest.is_active:
            guest.resume_or_start()
        else:
            self._start(guest)

    @reported
    def power_off(self, order: Order) -> None:
        self._shut_down(self._guests.find(order.instance.uuid), order)

    @reported
    def reboot(self, order: Order, *, hard: bool) -> None:
        guest = self._found_or_made(order.instance) if hard else self._guests.find(order.instance.uuid)
        if hard:
            guest.force_off()
        else:
            self._shut_down(guest, order)
        self._start(guest)

    def _found_or_made(self, instance: Instance) -> Guest:
        """A domain that somebody has undefined is defined again over its disks: a hard reboot is the way out."""
        folder = self._folder(instance)
        if (guest := self._guests.seek(instance.uuid)) is not None or not folder.exists:
            return guest or self._guests.find(instance.uuid)
        LOG.warning("The domain is gone and is defined again [instance: %s]", instance.uuid)
        try:
            return self._define(instance, self._disks.all(folder), instance.network_info)
        except (Impossible, Lacking) as error:
            raise exception.VirtError(reason=str(error)) from error

    def _shut_down(self, guest: Guest, order: Order) -> None:
        wish = str(order.instance.image_properties.get("os_shutdown_timeout"))
        seconds = int(wish) if wish.isdecimal() else self._options.shutdown_timeout
        guest.shut_down(seconds, order.cancelled)

    # --- parts -----------------------------------------------------------------------------

    @property
    def _facts(self) -> facts.Facts:
        if self._known is None:
            kind = probe.domain_type(self._connection.uri, self._options.virt_type, Path(self.conf.state_dir))
            self._known = self._connection.call(lambda conn: facts.of(conn, kind))
            LOG.info("Guests of host %s are of type %s", self.host, kind)
        return self._known

    @property
    def _is_container(self) -> bool:
        return self._facts.type == facts.LXC

    @property
    def _disks(self) -> Disks:
        if self._made_disks is None:
            kind = "raw" if self._is_container else self._options.images_type
            self._made_disks = Disks(ImageCache.of(self.conf), kind, config_drive.write_iso)
        return self._made_disks

    def _folder(self, instance: Instance) -> GuestFolder:
        return GuestFolder(self._instances, instance.uuid, self.host)

    def _plan(
        self,
        instance: Instance,
        disks: tuple[DiskFile, ...] = (),
        vifs: tuple[Vif, ...] = (),
        serial_ports: tuple[int, ...] | None = None,
        pins: tuple[int, ...] | None = None,
    ) -> Plan:
        """Without ports and CPUs of its own, one that shows whether the guest can be."""
        return Plan(
            instance=instance,
            facts=self._facts,
            options=self._options,
            host=self.host,
            cloud=self._cloud,
            disks=disks,
            vifs=vifs,
            serial_ports=() if serial_ports is None else serial_ports,
            pins=tuple(self._options.dedicated_cpus) if pins is None else pins,
            folder=self._folder(instance).path,
        )

    def _define(self, instance: Instance, disks: tuple[DiskFile, ...], vifs: tuple[Vif, ...]) -> Guest:
        """The domain as its instance says, over one that is there already.

        :raises Impossible, Lacking:
        """
        plan = self._plan(instance, disks, vifs)
        lines = domain.console.lines(plan) if plan.facts.is_machine_emulator else 0
        ports = self._ports.take(instance.uuid, lines)
        if len(ports) < lines:
            raise Lacking(f"[libvirt] serial_ports: no {lines} ports are free")
        pins = self._pins.take(instance.uuid, instance.flavor.vcpus if dedicated(plan) else 0)
        plan = replace(
            self._plan(instance, disks, vifs, ports, pins), kernel=self._disks.kernel(self._folder(instance))
        )
        return self._guests.define(str(domain.build(plan)))

    def _start(self, guest: Guest) -> None:
        """Others take its ports and remove its bridges while it is off, or do so right now."""
        for left in reversed(range(_STARTS)):
            if guest.is_active:
                return
            vif.ensure_bridges(guest.definition())
            if self._is_container:
                root_fs.ensure(guest.uuid, self._instances / guest.uuid)
            if (changed := console.moved(guest, self._ports)) is not None:
                guest = self._guests.define(changed)
            try:
                with self._loops if self._is_container else nullcontext():
                    return guest.start()
            except libvirt.libvirtError as error:
                if not left or not (errors.is_taken_port(error) or errors.is_missing_device(error)):
                    raise

    def _adopt(self, guest: Guest) -> None:
        """What a guest of the last run has is not given to another, and what it began for it is not gone on with."""
        snapshot.abandon(guest, self._instances / guest.uuid)
        definition = guest.definition()
        self._ports.note(guest.uuid, console.ports_of(definition))
        self._pins.note(guest.uuid, [int(pin.get("cpuset", "0")) for pin in definition.findall("cputune/vcpupin")])

    def _connected(self, conn: libvirt.virConnect, again: bool) -> None:
        """Guests may have changed while nobody was listening."""
        self._teller.watch(conn)
        if again:
            for found in conn.listAllDomains(0):
                self._teller.tell(found.UUIDString())


def _check(order: Order) -> None:
    if order.cancelled.is_set():
        raise Cancelled()
