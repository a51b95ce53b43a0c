# SPDX-License-Identifier: Apache-2.0
"""Guests that get another size or another host, and guests that are started from another disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import MigrationSource
from minicloud.virt import roles
from minicloud.virt.driver import Cancelled, Order, SpawnOrder
from minicloud.virt.libvirt.domain.plan import DiskFile
from minicloud.virt.libvirt.driver import LibvirtHypervisor
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import others
from minicloud.virt.libvirt.host.errors import reported
from minicloud.virt.libvirt.live.papers import KIND, Kept, pack, unpack
from minicloud.virt.libvirt.storage import fetch, qemu_img
from minicloud.virt.libvirt.storage.folder import GuestFolder, write
from minicloud.virt.libvirt.wishes import Impossible, Lacking, Wishes

LOG = logging.getLogger(__name__)

_RESCUE_BUSES = ("virtio", "scsi", "ide", "sata", "usb")


class LibvirtMoves(LibvirtHypervisor, roles.SupportsDiskTransfer, roles.SupportsRescue):
    """The core and these two."""

    # --- resize and migration --------------------------------------------------------------

    @reported
    def migrate_out(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        self._shut_down(guest, order)
        self._folder(order.instance).keep()

    @reported
    def finish_migration(self, order: SpawnOrder) -> None:
        folder = self._folder(order.instance)
        if not folder.exists:
            raise exception.VirtError(reason=f"{folder.path} has no disks of the server")
        folder.take()
        self._disks.grow(order.instance, folder)
        self._redefine(order, folder)

    def lacks_disks(self, order: Order) -> bool:
        return not self._folder(order.instance).exists

    @reported
    def offer_disks(self, order: Order) -> MigrationSource:
        folder = self._folder(order.instance)
        files: list[str] = []
        backing: dict[str, tuple[str, str]] = {}
        for disk in self._disks.all(folder):
            if (under := qemu_img.backing(disk.path, disk.format)) is not None:
                files.append(under[0].name)
                backing[disk.path.name] = (under[0].name, under[1])
            files.append(disk.path.name)
        if (kernel := self._disks.kernel(folder)) is not None:
            files += [path.name for path in (kernel.path, kernel.ramdisk) if path is not None]
        address = others.own_address(self._options, self._connection)
        kept = Kept(address=address, folder=str(folder.path), files=tuple(files), backing=backing)
        return MigrationSource(driver=KIND, data=pack(kept))

    @reported
    def fetch_disks(self, order: Order, source: MigrationSource, wanted: Callable[[], None]) -> None:
        """What is there without an owner is half fetched."""
        if source.driver != KIND:
            raise exception.NotSupported(f"The disks of {source.driver} guests are not for a libvirt host.")
        kept, folder = unpack(Kept, source.data), self._folder(order.instance)
        folder.remove()
        folder.open()
        paths = {name: folder.inside(name) for name in kept.files}

        def check() -> None:
            if order.cancelled.is_set():
                raise Cancelled()
            wanted()

        fetch.fetch(others.uri(self._options, kept.address), kept.folder, list(paths), folder.path, check)
        for name, (under, kind) in kept.backing.items():
            disk = paths[name]
            qemu_img.rebase(disk, disk.suffix[1:], (folder.inside(under), kind))
        folder.take()

    @reported
    def revert_migration(self, order: SpawnOrder) -> None:
        folder = self._folder(order.instance)
        if (guest := self._guests.seek(order.instance.uuid)) is not None and guest.is_active:
            self._shut_down(guest, order)
        folder.come_back()
        self._redefine(order, folder)

    def _redefine(self, order: SpawnOrder, folder: GuestFolder) -> None:
        """The guest as its instance is now, running."""
        if (guest := self._guests.seek(order.instance.uuid)) is not None and guest.is_active:
            self._shut_down(guest, order)
        self._disks.write_config(order, folder)
        try:
            guest = self._define(order.instance, self._disks.all(folder), order.vifs)
        except (Impossible, Lacking) as error:
            raise exception.VirtError(reason=str(error)) from error
        self._start(guest)

    # --- rescue ----------------------------------------------------------------------------

    @reported
    def rescue(self, order: SpawnOrder) -> None:
        """The domain as it was is kept in the guest's folder until it is wanted again."""
        guest = self._guests.find(order.instance.uuid)
        folder = self._folder(order.instance)
        if not folder.definition.exists():
            write(folder.definition, guest.xml().encode())
        self._shut_down(guest, order)
        try:
            disk = self._rescue_disk(order, folder)
            disks = self._disks.all(folder)
            # A stable rescue leaves the guest's disks where they were; else the new one comes first.
            ordered = (*disks, disk) if disk.bus is not None else (disk, *disks)
            self._start(self._define(order.instance, ordered, order.vifs))
        except (Impossible, Lacking, exception.MinicloudError, libvirt.libvirtError) as error:
            self._end_rescue(guest, folder)
            if isinstance(error, Impossible | Lacking):
                raise exception.VirtError(reason=str(error)) from error
            raise

    @reported
    def unrescue(self, order: Order) -> None:
        guest = self._guests.find(order.instance.uuid)
        folder = self._folder(order.instance)
        if folder.definition.exists():
            self._shut_down(guest, order)
            guest = self._end_rescue(guest, folder)
        self._start(guest)

    def _rescue_disk(self, order: SpawnOrder, folder: GuestFolder) -> DiskFile:
        """As the image to rescue from says: hw_rescue_device and hw_rescue_bus ask for a stable rescue.

        :raises Impossible:
        """
        image = order.image
        if image is None:
            raise exception.NotSupported("A server without an image is rescued with one that the request names.")
        wishes = Wishes(order.instance.flavor, image.info.properties)
        device = wishes.choice("hw_rescue_device", ("disk", "cdrom", "floppy"))
        bus = wishes.choice("hw_rescue_bus", _RESCUE_BUSES)
        if device is not None and bus is None:
            bus = {"cdrom": "sata" if self._plan(order.instance).is_pcie else "ide"}.get(device, "virtio")
        return self._disks.make_rescue(order, folder, device or "disk", bus)

    def _end_rescue(self, guest: Guest, folder: GuestFolder) -> Guest:
        """Back to the definition from before; the guest is off."""
        guest.force_off()
        restored = guest
        with suppress(FileNotFoundError):
            restored = self._guests.define(folder.definition.read_text())
        self._disks.remove_rescue(folder)
        folder.definition.unlink(missing_ok=True)
        return restored
