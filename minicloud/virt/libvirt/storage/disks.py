# SPDX-License-Identifier: Apache-2.0
"""Making a guest's disks: the root disk from its image, and what its flavor has besides."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Flavor, Instance
from minicloud.virt.driver import Cancelled, SourceImage, SpawnOrder
from minicloud.virt.images import CachedImage, Progress
from minicloud.virt.libvirt.domain.plan import DiskFile, Kernel
from minicloud.virt.libvirt.storage import qemu_img
from minicloud.virt.libvirt.storage.folder import GuestFolder

LOG = logging.getLogger(__name__)

GIB = 1024**3
MIB = 1024**2

#: Name of the disk that a guest is rescued with.
_RESCUE = "rescue"


class ImageStore(Protocol):
    """What is asked of :class:`minicloud.virt.images.ImageCache`."""

    def fetch(
        self,
        image: SourceImage,
        cancelled: threading.Event,
        progress: Progress | None = None,
        *,
        max_virtual_size: int | None = None,
    ) -> CachedImage: ...


#: Writes a config drive: path and files by their names in it.
IsoWriter = Callable[[Path, Mapping[str, bytes]], None]


class Disks:
    """Makes and lists the disks of one host's guests."""

    def __init__(self, images: ImageStore, images_type: str, write_iso: IsoWriter) -> None:
        """
        :param images_type: qcow2 or raw
        """
        self._images = images
        self._type = images_type
        self._write_iso = write_iso

    # --- making ----------------------------------------------------------------------------

    def make(self, order: SpawnOrder, folder: GuestFolder) -> tuple[DiskFile, ...]:
        """All disks of a new guest. A root disk that is there when no image is given stays.

        :raises BuildAborted: when the flavor's disk is too small
        :raises Cancelled:
        """
        if order.image is not None:
            folder.remove()
        folder.make()
        flavor = order.instance.flavor
        if order.image is not None:
            self._from_image(order.image, folder, "disk", flavor.root_gb * GIB, order)
            self.fetch_kernel(order, folder)
        elif self._root(folder) is None:
            qemu_img.create(folder.path / f"disk.{self._type}", self._type, max(1, flavor.root_gb) * GIB)
        self._besides(flavor, folder)
        self.write_config(order, folder)
        return self.all(folder)

    def take_over(self, order: SpawnOrder, folder: GuestFolder) -> tuple[DiskFile, ...]:
        """The disks that another host made."""
        folder.take_over()
        self.grow(order.instance, folder)
        self.write_config(order, folder)
        return self.all(folder)

    def make_rescue(self, order: SpawnOrder, folder: GuestFolder, device: str, bus: str | None) -> DiskFile:
        """What a guest is rescued with."""
        if order.image is None:
            raise exception.NotSupported("A server without an image is rescued with one that the request names.")
        path = self._from_image(order.image, folder, _RESCUE, 0, order)
        self.fetch_kernel(order, folder, f"{_RESCUE}.")
        return DiskFile("rescue", path, path.suffix[1:], device, bus)

    def remove_rescue(self, folder: GuestFolder) -> None:
        for path in folder.path.glob(f"{_RESCUE}.*"):
            path.unlink(missing_ok=True)

    def fetch_kernel(self, order: SpawnOrder, folder: GuestFolder, prefix: str = "") -> None:
        """What the image of a guest wants to be started with, if it does not start from its disk.

        :param prefix: of the files' names
        """
        for role in ("kernel", "ramdisk"):
            image = None if order.image is None else order.image.part(f"{role}_id")
            if image is not None:
                with order.stages.of("image"):
                    self._images.fetch(image, order.cancelled).link(folder.path / f"{prefix}{role}")

    def grow(self, instance: Instance, folder: GuestFolder) -> None:
        """Give disks the sizes of the instance's flavor; what is larger already stays as it is."""
        root = self._root(folder)
        wanted = instance.flavor.root_gb * GIB
        if root is not None and wanted > qemu_img.virtual_size(root.path, root.format):
            qemu_img.resize(root.path, root.format, wanted)
        self._besides(instance.flavor, folder)

    def write_config(self, order: SpawnOrder, folder: GuestFolder) -> None:
        """The config drive; without files the one that is there stays."""
        if order.files:
            self._write_iso(folder.path / "config.iso", order.files)

    def _from_image(self, image: SourceImage, folder: GuestFolder, name: str, size: int, order: SpawnOrder) -> Path:
        """
        :param size: bytes at least; 0: as large as the image
        """
        with order.stages.of("image"):
            cached = self._images.fetch(image, order.cancelled)
        if size and cached.virtual_size > size:
            reason = (
                f"image {image.id} is a disk of {cached.virtual_size} bytes, more than the {size} of the flavor's root"
            )
            raise exception.BuildAborted(instance_uuid=order.instance.uuid, reason=reason)
        with order.stages.of("disks"):
            path = self._copy(cached, folder, name, size, order)
        if order.cancelled.is_set():
            raise Cancelled()
        return path

    def _copy(self, cached: CachedImage, folder: GuestFolder, name: str, size: int, order: SpawnOrder) -> Path:
        path = folder.path / f"{name}.{self._type}"
        path.unlink(missing_ok=True)
        if self._type == "raw":
            qemu_img.convert(cached.path, cached.format, path, "raw", order.cancelled)
            if size > cached.virtual_size:
                qemu_img.resize(path, "raw", size)
        else:
            # A name of its own, so that the disk stays whole when the cache forgets the image.
            base = cached.link(folder.path / f"{name}.base")
            qemu_img.create(path, "qcow2", size or None, backing=(base, cached.format))
        return path

    def _besides(self, flavor: Flavor, folder: GuestFolder) -> None:
        _blank(folder.path / "ephemeral.raw", flavor.ephemeral_gb * GIB, _EPHEMERAL)
        _blank(folder.path / "swap.raw", flavor.swap * MIB, _SWAP)

    # --- listing ---------------------------------------------------------------------------

    def kernel(self, folder: GuestFolder) -> Kernel | None:
        """What the guest is started with, or what it is rescued with meanwhile."""
        prefix = f"{_RESCUE}." if any(folder.path.glob(f"{_RESCUE}.*")) else ""
        kernel, ramdisk = (folder.path / f"{prefix}{role}" for role in ("kernel", "ramdisk"))
        return Kernel(kernel, ramdisk if ramdisk.exists() else None) if kernel.exists() else None

    def all(self, folder: GuestFolder) -> tuple[DiskFile, ...]:
        """The disks in a folder, in the order in which the guest sees them."""
        root = self._root(folder)
        found = [] if root is None else [root]
        for role, name in (("ephemeral", "ephemeral.raw"), ("swap", "swap.raw")):
            if (path := folder.path / name).exists():
                found.append(DiskFile(role, path, "raw"))
        if (path := folder.path / "config.iso").exists():
            found.append(DiskFile("config", path, "raw", "cdrom"))
        return tuple(found)

    def nominal(self, order: SpawnOrder, folder: GuestFolder) -> tuple[DiskFile, ...]:
        """What :meth:`make` will make, more or less, to see whether a guest can have it at all."""
        disks = [DiskFile("root", folder.path / "disk", self._type)]
        if order.files:
            disks.append(DiskFile("config", folder.path / "config.iso", "raw", "cdrom"))
        return tuple(disks)

    def _root(self, folder: GuestFolder) -> DiskFile | None:
        for kind in ("qcow2", "raw"):  # made when images_type was another, perhaps
            if (path := folder.path / f"disk.{kind}").exists():
                return DiskFile("root", path, kind)
        return None


_EPHEMERAL = ("mke2fs", "-q", "-F", "-t", "ext4", "-L", "ephemeral0", "-E", "lazy_itable_init=1,nodiscard")
_SWAP = ("mkswap", "-q", "-L", "swap0")


def _blank(path: Path, size: int, formatter: tuple[str, ...]) -> None:
    """A formatted, sparse disk of that size: made, grown, or removed when the size is 0."""
    if not size:
        path.unlink(missing_ok=True)
        return
    if path.exists():
        if path.stat().st_size < size:
            os.truncate(path, size)
        return
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.truncate(size)
    new.chmod(0o600)
    try:
        qemu_img.run([*formatter, str(new)])
    except exception.VirtError as error:
        LOG.warning("%s stays without a file system: %s", path, error)
    new.replace(path)
