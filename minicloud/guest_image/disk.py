# SPDX-License-Identifier: Apache-2.0
"""A disk that starts by itself: a partition with a file system, and GRUB in the gap before it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from minicloud.guest_image.tools import CannotBuild, run

SECTOR = 512
#: Where the partition begins, as everywhere: at 1 MiB.
_FIRST = 2048
#: The label by which the initial ramdisk finds the file system, whatever the disk is called.
LABEL = "minicloud-root"

#: The kernel's arguments when nobody else gives some.
COMMAND_LINE = "console=tty0 console=ttyS0,115200 loglevel=4"

#: What GRUB must be able to do: read the disk by the BIOS, the partition table and ext4, and start Linux.
_GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "serial", "terminal", "minicmd")
_GRUB_COMMANDS = f"""set root=(hd0,msdos1)
linux /boot/vmlinuz {COMMAND_LINE}
initrd /boot/initrd
boot
"""


def make(tree: Path, grub: Path, work: Path, to: Path, megabytes: int) -> None:
    """Write a compressed qcow2 whose one partition holds a tree.

    :param grub: folder with GRUB's modules for the BIOS
    :param work: a folder for what is made on the way
    :param megabytes: of the file system
    :raises CannotBuild:
    """
    disk = work / "disk.raw"
    file_system(tree, work / "root.ext4", megabytes)
    with disk.open("wb") as target:
        target.write(_boot_sector(grub, megabytes * (1 << 20) // SECTOR))
        target.write(_core(grub, work))
        target.truncate(_FIRST * SECTOR)
        target.seek(_FIRST * SECTOR)
        _copy_sparse(work / "root.ext4", target.fileno(), _FIRST * SECTOR)
        target.truncate((_FIRST * SECTOR) + megabytes * (1 << 20))
    compress(disk, to)


def compress(disk: Path, to: Path) -> None:
    """A raw disk as a qcow2."""
    run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", str(disk), str(to))


def file_system(tree: Path, to: Path, megabytes: int) -> None:
    """An ext4 with a tree in it that is owned by root.

    Without a journal: it is made anew with each guest, and small disks have better uses for 4 MiB. Without features
    that GRUB cannot read.
    """
    options = ("-O", "^metadata_csum,^64bit,^has_journal", "-E", "root_owner=0:0,lazy_itable_init=0")
    run("mke2fs", "-q", "-t", "ext4", *options, "-m", "0", "-L", LABEL, "-d", str(tree), str(to), f"{megabytes}M")
    if os.geteuid() != 0:
        names = [f"/{path.relative_to(tree)}" for path in tree.rglob("*")]
        run("debugfs", "-w", "-f", "-", str(to), given="".join(_chowns(names)))


def _chowns(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield f'set_inode_field "{name}" uid 0\nset_inode_field "{name}" gid 0\n'


def _boot_sector(grub: Path, sectors: int) -> bytes:
    """GRUB's boot sector with a partition table of one active Linux partition."""
    sector = bytearray(_read(grub / "boot.img"))
    # It is started by the drive it lies on, whatever number the BIOS gives that: no jump over the check.
    sector[0x66:0x68] = b"\x90\x90"
    everywhere = b"\xfe\xff\xff"  # cylinders and heads: nobody looks at them
    entry = struct.pack("<B3sB3sII", 0x80, everywhere, 0x83, everywhere, _FIRST, sectors)
    sector[0x1B8:0x1FE] = b"mcld\0\0" + entry + bytes(48)
    sector[0x1FE:0x200] = b"\x55\xaa"
    return bytes(sector)


def _core(grub: Path, work: Path) -> bytes:
    """GRUB's core with its commands inside; it begins in the disk's second sector."""
    commands, made = work / "grub.cfg", work / "core.img"
    commands.write_text(_GRUB_COMMANDS)
    run(
        *("grub-mkimage", "-O", "i386-pc", "-d", str(grub), "-p", "(hd0,msdos1)/boot/grub"),
        *("-c", str(commands), "-o", str(made), *_GRUB_MODULES),
    )
    core = bytearray(made.read_bytes())
    core += bytes(-len(core) % SECTOR)
    count = len(core) // SECTOR
    if count >= _FIRST - 1:
        raise CannotBuild(f"GRUB has {count} sectors, and there is room for {_FIRST - 1} before the partition.")
    # The list of blocks that its first sector reads: where the second is, how many, and to which segment.
    core[0x1F4:0x200] = struct.pack("<QHH", 2, count - 1, 0x820)
    return bytes(core)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CannotBuild(f"GRUB's {path.name} is not where it should be: {path.parent}") from None


def _copy_sparse(source: Path, target: int, offset: int) -> None:
    """Copy what is not zero."""
    empty = bytes(1 << 20)
    with source.open("rb") as data:
        while chunk := data.read(1 << 20):
            if chunk != empty[: len(chunk)]:
                os.pwrite(target, chunk, offset)
            offset += len(chunk)
