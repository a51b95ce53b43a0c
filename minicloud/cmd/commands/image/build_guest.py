# SPDX-License-Identifier: Apache-2.0
"""``minicloud image build-guest``: a small real guest, made here and given to the cloud."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from minicloud.cmd.commands.base import Command, Refused, configuration, home

if TYPE_CHECKING:
    from minicloud.cmd.commands.image.glance import Target, Uploads
    from minicloud.guest_image import Built

#: What the image is called; those for containers are called so too, with ``-docker`` and ``-lxc``.
NAME = "minicloud-guest"


#: Hypervisor of containers -> the form of their images.
_CONTAINERS = {
    "docker": {"disk_format": "raw", "container_format": "docker"},
    "lxc": {"disk_format": "qcow2", "container_format": "bare"},
}


class BuildGuest(Command):
    """Make a tiny guest of Debian packages, and an image of it in the running cloud.

    It is for drivers that start real guests. The packages (Linux, busybox, dropbear, GRUB) come from the mirror that
    apt uses here; nothing is installed, and no root is needed. Its users root and minicloud are let in by SSH with the
    server's keypair.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", help=f"name of the image (default: {NAME}, with --docker {NAME}-docker, …)")
        parser.add_argument(
            "-o", "--output", metavar="FILE", type=os.path.abspath, help="write it to a file, and give it to no cloud"
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--docker", action="store_true", help="a root file system for the Docker driver (a tar)")
        form.add_argument("--lxc", action="store_true", help="a file system for containers of libvirt")
        form.add_argument(
            "--kernel-initrd",
            action="store_true",
            help="also kernel and ramdisk, which a machine can start without GRUB: images that the first refers to, or "
            "FILE.kernel and FILE.ramdisk. Such a guest starts faster.",
        )
        parser.add_argument("--size", type=_size, default=64, metavar="MIB", help="of its file system (default: 64)")
        parser.add_argument("--kernel-package", metavar="NAME", help="Debian package of another kernel")
        parser.add_argument("--private", action="store_true", help="only the admin project sees the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        target = None if parsed_args.output else _target(parsed_args)
        with tempfile.TemporaryDirectory(prefix="minicloud-guest-") as folder:
            to = Path(parsed_args.output or Path(folder) / "guest")
            began = time.monotonic()
            with _status() as show:
                built = _build(parsed_args, to, show)
            print(f"Built in {time.monotonic() - began:.1f} s: {_size_of(built)}")
            if target is not None:
                _upload(parsed_args, built, target)
                if (cloud := home(parsed_args)).path.exists():
                    cloud.guest_file.touch(mode=0o600)
        return 0


def _build(args: argparse.Namespace, to: Path, show: Callable[[str], None]) -> Built:
    from minicloud import guest_image

    try:
        if args.docker:
            return guest_image.build_tar(to, show)
        if args.lxc:
            return guest_image.build_file_system(to, show, megabytes=args.size)
        options = {"kernel_package": args.kernel_package} if args.kernel_package else {}
        return guest_image.build_disk(to, show, megabytes=args.size, separate_kernel=args.kernel_initrd, **options)
    except guest_image.CannotBuild as error:
        raise Refused(str(error)) from None


def _target(args: argparse.Namespace) -> Target:
    """The image service of the cloud that runs, before any work is done.

    :raises Refused: when none does
    """
    from minicloud.cmd import credentials, http  # these import much
    from minicloud.cmd.commands.image import glance

    where = home(args)
    record = where.running()
    url = record.local_url if record is not None and record.is_ready else http.public_url(configuration(args))
    if record is None and not (where.path / "passwords.json").exists():
        raise Refused("The cloud does not run; 'minicloud up' starts it. With --output FILE none is needed.")
    return glance.connect(url, credentials.load_or_create(where.path)["admin"])


def _upload(args: argparse.Namespace, built: Built, target: Target) -> None:
    with _uploads() as uploads:
        common = {"visibility": "private" if args.private else "public", "os_type": "linux"}
        kind = next((kind for kind in _CONTAINERS if getattr(args, kind)), None)
        if kind is not None:
            values = {**common, **_CONTAINERS[kind], "img_hv_type": kind}
            done = [target.put(args.name or f"{NAME}-{kind}", built.disk, values, uploads)]
        else:
            done = list(_upload_machine(args.name or NAME, built, target, common, uploads))
    for image_id, what in done:
        print(f"{image_id}  {what}")


def _upload_machine(
    name: str, built: Built, target: Target, common: dict[str, str], uploads: Uploads
) -> Iterator[tuple[str, str]]:
    parts: dict[str, str] = {}
    if built.kernel is not None and built.ramdisk is not None:
        for role, path, kind in (("kernel", built.kernel, "aki"), ("ramdisk", built.ramdisk, "ari")):
            values = {**common, "disk_format": kind, "container_format": kind}
            made = target.put(f"{name}-{role}", path, values, uploads)
            parts[f"{role}_id"] = made[0]
            yield made
    form = {"disk_format": "qcow2", "container_format": "bare", "hw_architecture": "x86_64"}
    devices = {"hw_rng_model": "virtio", "hw_qemu_guest_agent": "yes"}
    yield target.put(name, built.disk, {**common, **form, **devices, **parts}, uploads)


def _size(text: str) -> int:
    number = int(text)
    if not 48 <= number <= 65536:
        raise argparse.ArgumentTypeError(f"{text} MiB is not between 48 and 65536")
    return number


def _size_of(built: Built) -> str:
    files = [path for path in (built.disk, built.kernel, built.ramdisk) if path is not None]
    return ", ".join(f"{path.name} {path.stat().st_size / (1 << 20):.1f} MiB" for path in files)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """A spinner with the step on a terminal; lines elsewhere."""
    if not sys.stdout.isatty():
        yield lambda step: print(step, flush=True)
        return
    from rich.console import Console

    with Console().status("Building a guest") as status:
        yield lambda step: status.update(step)


@contextmanager
def _uploads() -> Iterator[Uploads]:
    """A bar for each upload on a terminal; a line elsewhere."""
    if not sys.stdout.isatty():
        yield lambda what, total: lambda done: None
        return
    from rich.progress import Progress

    with Progress() as progress:

        def begin(what: str, total: int) -> Callable[[int], None]:
            task = progress.add_task(f"Uploading {what}", total=total)
            return lambda done: progress.update(task, completed=done)

        yield begin
