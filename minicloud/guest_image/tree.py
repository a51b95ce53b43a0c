# SPDX-License-Identifier: Apache-2.0
"""The guest's files: what is taken from the packages, and what is ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from minicloud.guest_image import elf, modules
from minicloud.guest_image.tools import CannotBuild, run

#: What is taken of the unpacked packages, beside libraries.
_PROGRAMS = (
    ("busybox", "bin/busybox"),
    ("dropbear", "usr/sbin/dropbear"),
    ("dropbearkey", "usr/bin/dropbearkey"),
)
_FOLDERS = (
    *("bin", "sbin", "usr/bin", "usr/sbin", "lib", "lib64", "etc/acpi/PWRF", "etc/dropbear", "boot", "dev", "proc"),
    *("sys", "run", "tmp", "mnt", "root", "home", "var/lib/minicloud", "var/log", "usr/share/udhcpc"),
)
#: our file -> where it goes, and its mode
_OURS = {
    "boot.sh": ("etc/minicloud/boot", 0o755),
    "user-data.sh": ("etc/minicloud/user-data", 0o755),
    "functions.sh": ("etc/minicloud/functions", 0o644),
    "agent.sh": ("etc/minicloud/agent", 0o755),
    "network.sh": ("etc/minicloud/network", 0o755),
    "udhcpc.sh": ("usr/share/udhcpc/default.script", 0o755),
    "sudo.sh": ("usr/bin/sudo", 0o755),
    "curl.sh": ("usr/bin/curl", 0o755),
    "blkid.sh": ("usr/sbin/blkid", 0o755),
    "lsblk.sh": ("usr/bin/lsblk", 0o755),
    "poweroff.sh": ("etc/acpi/PWRF/00000080", 0o755),
    "passwd": ("etc/passwd", 0o644),
    "group": ("etc/group", 0o644),
    "shadow": ("etc/shadow", 0o600),
    "profile": ("etc/profile", 0o644),
    "issue": ("etc/issue", 0o644),
}


def make_root(unpacked: Path, to: Path, *, inittab: str) -> None:
    """The file system of a guest, without kernel.

    :param inittab: which of our files says what runs
    :raises CannotBuild: when a package has not what it should have
    """
    for name in _FOLDERS:
        (to / name).mkdir(parents=True, exist_ok=True)
    (to / "tmp").chmod(0o1777)
    (to / "root").chmod(0o700)
    for name, place in _PROGRAMS:
        _copy_program(unpacked, name, to / place)
    _links(unpacked / _where(unpacked, "busybox"), to)
    libraries(unpacked, to, [place for _, place in _PROGRAMS])
    for name, (place, mode) in _OURS.items():
        _write(to / place, _ours(name), mode)
    _write(to / "etc/inittab", _ours(inittab), 0o644)
    (to / "home/minicloud").mkdir(mode=0o755)
    (to / "etc/mtab").symlink_to("/proc/mounts")
    (to / "etc/resolv.conf").symlink_to("/run/resolv.conf")
    (to / "var/run").symlink_to("/run")


def make_ramdisk(unpacked: Path, kernel_modules: Path, to: Path) -> None:
    """What runs before the root file system is there: modules, and a script that looks for it."""
    for name in ("bin", "lib", "lib64", "dev", "proc", "sys", "root", "modules"):
        (to / name).mkdir(parents=True, exist_ok=True)
    _copy_program(unpacked, "busybox", to / "bin/busybox")
    libraries(unpacked, to, ["bin/busybox"])
    (to / "bin/sh").symlink_to("busybox")
    _write(to / "init", _ours("init.sh"), 0o755)
    order = []
    for number, path in enumerate(modules.wanted(kernel_modules)):
        name = f"{number:02}-{path.name.partition('.ko')[0]}.ko"
        _write(to / "modules" / name, modules.content(path), 0o644)
        order.append(name)


def libraries(unpacked: Path, root: Path, programs: Iterable[str]) -> None:
    """Add the shared libraries that programs of a tree need, and what loads them.

    :raises CannotBuild: when one is in none of the packages
    """
    have = {path.name: path for path in unpacked.rglob("*.so*") if path.exists()}
    loader = next((path for name, path in have.items() if name.startswith("ld-linux-")), None)
    if loader is None:
        raise CannotBuild("The packages have no loader of shared libraries (ld-linux).")
    _write(root / "lib64" / loader.name, loader.read_bytes(), 0o755)
    queue, done = [root / program for program in programs], {loader.name}
    while queue:
        for name in elf.needed(queue.pop().read_bytes()):
            if name in done:
                continue
            if name not in have:
                raise CannotBuild(f"The packages have no {name}.")
            done.add(name)
            _write(root / "lib" / name, have[name].read_bytes(), 0o755)
            queue.append(root / "lib" / name)


def _copy_program(unpacked: Path, name: str, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    _write(to, (unpacked / _where(unpacked, name)).read_bytes(), 0o755)


def _where(unpacked: Path, name: str) -> str:
    for folder in ("bin", "usr/bin", "sbin", "usr/sbin"):
        if (unpacked / folder / name).is_file():
            return f"{folder}/{name}"
    raise CannotBuild(f"The packages have no program {name}.")


def _links(busybox: Path, root: Path) -> None:
    """A name for each thing busybox can do, and where programs look for it."""
    for name in run(str(busybox), "--list").split():
        (root / "bin" / name).symlink_to("busybox")
    (root / "sbin/init").symlink_to("/bin/busybox")
    for name in ("poweroff", "reboot", "halt"):
        (root / "sbin" / name).symlink_to("/bin/busybox")


def _ours(name: str) -> bytes:
    return (resources.files("minicloud.guest_image") / "files" / name).read_bytes()


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def copy(source: Path, to: Path) -> None:
    """A file of the packages, with another name."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    to.chmod(0o644)
