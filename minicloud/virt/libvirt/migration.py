# SPDX-License-Identifier: Apache-2.0
"""Guests that go to another host while they run.

libvirt moves them from daemon to daemon. Disks that both hosts see stay where they are, others are copied meanwhile,
whole: a disk that arrived stands alone, whatever image it once was made from.

Whose the guest's folder is changes when the destination is prepared, so that neither a clean source nor a clean
destination can ever remove disks that are shared; see :mod:`~minicloud.virt.libvirt.storage.folder`.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import tostring  # nosec B405  # see xml.parse

import libvirt
from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Instance, MigrationProgress, MigrationSource, MigrationTarget, Vif
from minicloud.states import Power
from minicloud.virt.driver import Order, SpawnOrder
from minicloud.virt.libvirt import console, domain, vif
from minicloud.virt.libvirt.domain.cpu import dedicated
from minicloud.virt.libvirt.driver import LibvirtHypervisor
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import others
from minicloud.virt.libvirt.host.errors import reported
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.live import checks, job
from minicloud.virt.libvirt.live.definition import elsewhere
from minicloud.virt.libvirt.live.papers import KIND, Disk, Leaving, Place, pack, unpack, unwrap, wrap
from minicloud.virt.libvirt.storage import qemu_img
from minicloud.virt.libvirt.storage.folder import GuestFolder, write
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.parse import text_at
from minicloud.virt.live import SupportsLiveMigration

LOG = logging.getLogger(__name__)

#: What libvirt gives another host, and of it what a guest is started with next time.
_RUNNING = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
_NEXT = _RUNNING | libvirt.VIR_DOMAIN_XML_INACTIVE


class LibvirtLiveMigration(LibvirtHypervisor, SupportsLiveMigration):
    """The core and this role."""

    def __init__(self, conf: cfg.ConfigOpts, host: str) -> None:
        super().__init__(conf, host)
        #: uuids of guests whose migration this process waits for.
        self._leaving_now: set[str] = set()

    # --- at the source -----------------------------------------------------------------------

    @reported
    def migration_source(self, order: Order) -> MigrationSource:
        guest = self._guests.find(order.instance.uuid)
        if self._facts.type == LXC:
            raise exception.MigrationPreCheckError(reason="a container cannot move while it runs")
        if not guest.is_active:
            raise exception.MigrationPreCheckError(reason="the guest does not run")
        return MigrationSource(driver=KIND, data=pack(self._leaving(order.instance, guest)))

    def _leaving(self, instance: Instance, guest: Guest) -> Leaving:
        folder = self._folder(instance)
        running = guest.definition(live=True)
        cpu = running.find("cpu")
        drive = folder.path / "config.iso"
        return Leaving(
            type=self._facts.type,
            version=self._facts.version,
            machine=text_at(running, "os/type/@machine"),
            cpu="" if cpu is None else tostring(cpu, encoding="unicode"),
            identity=folder.identity(),
            folder=str(folder.path),
            disks=tuple(self._copied(folder)),
            lines=len(console.ports_of(running)),
            is_tunnelled=self._options.live_migration_tunnelled,
            config_drive=wrap(drive.read_bytes()) if drive.exists() else "",
        )

    def _copied(self, folder: GuestFolder) -> list[Disk]:
        """Disks that are copied where they are not shared; the config drive is told at once."""
        found = []
        for disk in self._disks.all(folder):
            if disk.role != "config":
                size = qemu_img.virtual_size(disk.path, disk.format)
                used = sum(path.stat().st_blocks * 512 for path in folder.path.glob(f"{disk.path.stem}.*"))
                found.append(Disk(name=disk.path.name, format=disk.format, size=size, used=used))
        return found

    @reported
    def live_migrate(
        self, order: Order, target: MigrationTarget, *, block: bool, progress: Callable[[MigrationProgress], None]
    ) -> None:
        guest = self._guests.find(order.instance.uuid)
        folder = self._folder(order.instance)
        place = unpack(Place, target.data)
        if place.is_shared == block:
            # It would run there from empty disks.
            raise exception.VirtError(reason="the destination does not see the disks as it did when it was asked")
        there = [elsewhere(guest.domain.XMLDesc(form), str(folder.path), place) for form in (_RUNNING, _NEXT)]
        given = job.parameters(self._options, target.address, running=there[0], persistent=there[1])
        uri = others.uri(self._options, target.address)
        one = job.Job(guest, uri, self._options, job.flags(self._options, block=block), given)
        LOG.info("Goes to %s [instance: %s]", uri, guest.uuid)
        self._leaving_now.add(guest.uuid)
        try:
            one.run(progress, order.cancelled)
        except BaseException:
            self._stay(order.instance)
            raise
        finally:
            self._leaving_now.discard(guest.uuid)
        if place.is_shared:
            # Whatever happened to the folder meanwhile: what is cleaned here is none of it.
            folder.give(place.host)

    @reported
    def clean_source(self, order: Order) -> None:
        uuid = order.instance.uuid
        if (guest := self._guests.seek(uuid)) is not None:
            if guest.is_active:
                raise exception.VirtError(reason="the guest still runs here")
            guest.undefine()
        self._folder(order.instance).remove()
        self._ports.release(uuid)
        self._pins.release(uuid)

    @reported
    def abort_migration(self, order: Order) -> None:
        guest = self._guests.seek(order.instance.uuid)
        if guest is None:
            return
        if guest.uuid in self._leaving_now:
            job.abort(guest)  # the rest is done by who waits for it
        else:
            job.abort_and_wait(guest)
            self._stay(order.instance)

    @reported
    def force_complete(self, order: Order) -> None:
        guest = self._guests.seek(order.instance.uuid)
        if guest is not None and job.is_going_on(guest):
            job.force(guest, post_copy=self._options.live_migration_permit_post_copy)

    def _stay(self, instance: Instance) -> None:
        """A folder whose guest did not leave is this host's again."""
        if self._guests.seek(instance.uuid) is not None:
            self._folder(instance).come_back()

    # --- at the destination ------------------------------------------------------------------

    @reported
    def check_destination(self, order: Order, source: MigrationSource, *, block: bool | None) -> bool:
        leaving = _read(source)
        checks.machine(leaving, self._facts, self._connection)
        self._check_absent(order.instance)
        try:
            domain.build(self._plan(order.instance))
        except (Impossible, Lacking) as error:
            raise exception.MigrationPreCheckError(reason=str(error)) from error
        shared = self._folder(order.instance).is_known_as(leaving.identity)
        return checks.disks(order.instance, leaving, shared=shared, block=block, instances=self._instances)

    @reported
    def prepare_destination(self, order: SpawnOrder, source: MigrationSource) -> MigrationTarget:
        leaving = _read(source)
        instance, folder = order.instance, self._folder(order.instance)
        self._check_absent(instance)
        place = self._place(instance, leaving, order.vifs)
        for each in order.vifs:
            vif.ensure_bridge(each)
        if place.is_shared:
            folder.take_over()
        else:
            self._make_room(folder, leaving)
            if instance.kernel_id:  # else the image, which may be gone, is not looked at
                self._disks.fetch_kernel(order, folder)
        return MigrationTarget(address=others.own_address(self._options, self._connection), data=pack(place))

    def _place(self, instance: Instance, leaving: Leaving, vifs: tuple[Vif, ...]) -> Place:
        """Ports and CPUs are taken now."""
        ports = self._ports.take(instance.uuid, leaving.lines)
        if len(ports) < leaving.lines:
            raise exception.VirtError(reason=f"[libvirt] serial_ports: no {leaving.lines} ports are free")
        wanted = instance.flavor.vcpus if dedicated(self._plan(instance)) else 0
        pins = self._pins.take(instance.uuid, wanted)
        if len(pins) < wanted:
            raise exception.VirtError(reason=f"{len(pins)} of {wanted} CPUs are free in dedicated_cpus")
        folder = self._folder(instance)
        return Place(
            host=self.host,
            cloud=self._cloud,
            folder=str(folder.path),
            is_shared=folder.is_known_as(leaving.identity),
            vnc_listen=self._options.vnc_listen,
            serial_listen=self._options.serial_listen,
            serial_ports=ports,
            pins=pins,
            bridges={each.mac_address: each.bridge for each in vifs if each.bridge is not None},
        )

    def _make_room(self, folder: GuestFolder, leaving: Leaving) -> None:
        """Empty disks of the right sizes, and the config drive as it is."""
        folder.remove()
        if folder.path.exists():
            raise exception.VirtError(reason=f"{folder.path} is another host's")
        folder.make()
        for disk in leaving.disks:
            qemu_img.create(folder.inside(disk.name), disk.format, disk.size)
        if leaving.config_drive:
            write(folder.path / "config.iso", unwrap(leaving.config_drive))

    @reported
    def finish_at_destination(self, order: SpawnOrder) -> None:
        instance = order.instance
        guest = self._guests.find(instance.uuid)
        self._folder(instance).take()
        if not guest.domain.isPersistent():
            guest = self._guests.define(guest.domain.XMLDesc(_NEXT))
        self._adopt(guest)
        if instance.power_state == Power.RUNNING and guest.power() == Power.PAUSED:
            guest.domain.resume()

    def rollback_destination(self, order: Order) -> None:
        self.destroy(order)

    def _check_absent(self, instance: Instance) -> None:
        if self._guests.is_there(instance.uuid):
            raise exception.MigrationPreCheckError(reason=f"a domain with the uuid {instance.uuid} is there already")


def _read(source: MigrationSource) -> Leaving:
    if source.driver != KIND:
        raise exception.MigrationPreCheckError(reason=f"{source.driver} guests cannot come to a libvirt host")
    return unpack(Leaving, source.data)
