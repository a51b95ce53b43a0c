# SPDX-License-Identifier: Apache-2.0
"""Debian packages, fetched and unpacked without being installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from minicloud.guest_image.tools import CannotBuild, run

#: What makes ``apt-cache depends`` tell only what a package cannot do without.
_NEEDED_ONLY = tuple(
    f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
)


def with_needed(names: Sequence[str]) -> list[str]:
    """The packages and all they depend on.

    :raises CannotBuild: when one is not known
    """
    try:
        text = run("apt-cache", "depends", "--recurse", *_NEEDED_ONLY, *names)
    except CannotBuild as error:
        raise CannotBuild(f"{error} (does 'apt-get update' help?)") from None
    # A name at the begin of a line is a package; <one> in brackets is only a word for several.
    return sorted({line for line in text.splitlines() if line and line[0].isalnum()})


def kernel_of(name: str) -> str:
    """The package with the kernel itself, of one that only names the newest.

    :raises CannotBuild: when it is not known
    """
    for line in run("apt-cache", "depends", *_NEEDED_ONLY, name).splitlines():
        kind, _, wanted = line.strip().partition(": ")
        if kind == "Depends" and wanted.startswith("linux-image-"):
            return wanted
    return name


def unpack(names: Sequence[str], downloads: Path, to: Path) -> None:
    """Download packages, whose signatures apt checks, and unpack them over each other.

    :param downloads: an empty folder
    :raises CannotBuild: when apt has no such package, or no way to it
    """
    # Else it complains that its own user cannot write into a folder of ours.
    sandbox = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
    try:
        run("apt-get", *sandbox, "download", "-q", *names, folder=downloads, timeout=900)
    except CannotBuild as error:
        raise CannotBuild(f"{error} (is the mirror reachable, and does 'apt-get update' help?)") from None
    for package in sorted(downloads.glob("*.deb")):
        run("dpkg-deb", "--extract", str(package), str(to))
        package.unlink()
