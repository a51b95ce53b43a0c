# SPDX-License-Identifier: Apache-2.0
"""The programs of the system that a build needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

#: Where they are too, for a user whose PATH has only what users need.
_ADMIN_PATH = ("/usr/sbin", "/sbin")

#: program -> Debian's package
PACKAGES: Mapping[str, str] = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg-deb": "dpkg",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "grub-mkimage": "grub-common",
    "qemu-img": "qemu-utils",
}


class CannotBuild(Exception):
    """A guest cannot be built; its text says why and what to do about it."""


def require(programs: Iterable[str]) -> None:
    """
    :raises CannotBuild: naming what is missing, and the packages that have it
    """
    missing = [name for name in programs if shutil.which(name, path=_path()) is None]
    if not missing:
        return
    if "dpkg-deb" in missing or "apt-get" in missing:
        raise CannotBuild(
            "A guest is built of Debian packages, and this is no Debian: apt-get and dpkg-deb are missing."
        )
    packages = sorted({PACKAGES.get(name, name) for name in missing})
    raise CannotBuild(f"Missing here: {', '.join(missing)}. Install with: apt-get install {' '.join(packages)}")


def run(*arguments: str, folder: Path | None = None, given: str | None = None, timeout: float = 300.0) -> str:
    """What a program prints.

    :param given: its standard input
    :param timeout: seconds
    :raises CannotBuild: when it fails, with what it said
    """
    try:
        done = subprocess.run(
            arguments,
            cwd=folder,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "PATH": _path(), "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise CannotBuild(f"There is no {arguments[0]} here.") from None
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"{arguments[0]} took more than {timeout:.0f} s.") from None
    if done.returncode:
        raise CannotBuild(f"{' '.join(arguments[:2])} failed: {_last_words(done.stderr or done.stdout)}")
    return done.stdout


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it did not say why"


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMIN_PATH))
