# SPDX-License-Identifier: Apache-2.0
"""From package names to a guest, step by step."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minicloud.guest_image import archive, disk, packages, tools, tree
from minicloud.guest_image.tools import CannotBuild

#: Who may log in with the owner's keys, beside root.
USER = "minicloud"
#: Debian's smallest kernel, whose drivers are those of virtual machines.
KERNEL = "linux-image-cloud-amd64"
_SOFTWARE = ("busybox", "dropbear-bin")
_GRUB = "grub-pc-bin"
_FOR_CONTAINERS = ("apt-get", "apt-cache", "dpkg-deb")

#: MiB of the file system: of 64 MiB half is free.
MEGABYTES = 64

#: Called with each step's name before it begins.
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made."""

    disk: Path
    #: For machines that are started with kernel and ramdisk given; None unless asked for.
    kernel: Path | None = None
    ramdisk: Path | None = None
    #: Version of the kernel.
    version: str = ""


def build_disk(
    to: Path, report: Report, *, kernel_package: str = KERNEL, megabytes: int = MEGABYTES, separate_kernel: bool = False
) -> Built:
    """A qcow2 that starts by itself.

    :param separate_kernel: leave its kernel and ramdisk beside it, as ``<name>.kernel`` and ``<name>.ramdisk``

    :raises CannotBuild:
    """
    tools.require(tools.PACKAGES)
    _require_architecture()
    with _workshop(to.parent) as work:
        report("Downloading packages")
        unpacked = _folder(work, "unpacked")
        kernel = packages.kernel_of(kernel_package)
        packages.unpack([*_software(), kernel, _GRUB], _folder(work, "downloads"), unpacked)
        version = _version(unpacked)
        report(f"Making the root file system (Linux {version})")
        root = work / "root"
        tree.make_root(unpacked, root, inittab="inittab")
        tree.copy(unpacked / "boot" / f"vmlinuz-{version}", root / "boot/vmlinuz")
        report("Making the initial ramdisk")
        tree.make_ramdisk(unpacked, _modules(unpacked, version), work / "ramdisk")
        archive.cpio(work / "ramdisk", root / "boot/initrd")
        report("Making the disk")
        disk.make(root, _grub(unpacked), work, work / "disk.qcow2", megabytes)
        built = Built(to, version=version)
        if separate_kernel:
            built = Built(to, to.with_name(f"{to.name}.kernel"), to.with_name(f"{to.name}.ramdisk"), version)
            _deliver(root / "boot/vmlinuz", built.kernel)
            _deliver(root / "boot/initrd", built.ramdisk)
        _deliver(work / "disk.qcow2", to)
    return built


def build_tar(to: Path, report: Report) -> Built:
    """A tar of the root file system, for a driver whose guests are containers.

    :raises CannotBuild:
    """
    tools.require(_FOR_CONTAINERS)
    with _workshop(to.parent) as work:
        archive.tar(_container_root(work, report), work / "root.tar")
        _deliver(work / "root.tar", to)
    return Built(to)


def build_file_system(to: Path, report: Report, *, megabytes: int = MEGABYTES) -> Built:
    """A qcow2 without partitions that holds the root file system, for containers of libvirt.

    :raises CannotBuild:
    """
    tools.require((*_FOR_CONTAINERS, "mke2fs", "qemu-img"))
    with _workshop(to.parent) as work:
        root = _container_root(work, report)
        report("Making the disk")
        disk.file_system(root, work / "root.ext4", megabytes)
        disk.compress(work / "root.ext4", work / "disk.qcow2")
        _deliver(work / "disk.qcow2", to)
    return Built(to)


def _container_root(work: Path, report: Report) -> Path:
    report("Downloading packages")
    unpacked = _folder(work, "unpacked")
    packages.unpack(_software(), _folder(work, "downloads"), unpacked)
    report("Making the root file system")
    tree.make_root(unpacked, work / "root", inittab="inittab.container")
    return work / "root"


def _software() -> list[str]:
    return packages.with_needed(_SOFTWARE)


def _require_architecture() -> None:
    machine = os.uname().machine
    if machine != "x86_64":
        raise CannotBuild(f"This makes guests for x86_64 only, of packages for the machine it runs on: {machine}.")


def _version(unpacked: Path) -> str:
    found = sorted((unpacked / "boot").glob("vmlinuz-*"))
    if len(found) != 1:
        raise CannotBuild("The kernel's package has no kernel in /boot.")
    return found[0].name.removeprefix("vmlinuz-")


def _modules(unpacked: Path, version: str) -> Path:
    for folder in ("lib/modules", "usr/lib/modules"):
        if (unpacked / folder / version).is_dir():
            return unpacked / folder / version
    raise CannotBuild(f"The kernel's package has no modules of {version}.")


def _grub(unpacked: Path) -> Path:
    return unpacked / "usr/lib/grub/i386-pc"


def _folder(work: Path, name: str) -> Path:
    made = work / name
    made.mkdir()
    return made


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder for the build, where there is room for its result."""
    try:
        with tempfile.TemporaryDirectory(prefix=".minicloud-guest-", dir=folder) as work:
            yield Path(work)
    except OSError as error:
        raise CannotBuild(f"{error.filename or folder}: {error.strerror}") from None


def _deliver(made: Path, to: Path | None) -> None:
    """Into place at once, so that nothing half done ever has the name."""
    assert to is not None
    draft = to.with_name(f".{to.name}.part")
    shutil.copyfile(made, draft)
    draft.replace(to)
