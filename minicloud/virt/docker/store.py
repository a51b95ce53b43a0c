# SPDX-License-Identifier: Apache-2.0
"""What a host keeps of each guest beside its container: its ports, and the files it may read.

One folder for each guest, which only the owner of this process can look into: there may be
passwords in user data.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from minicloud import exception
from minicloud.objects import Vif

_vifs = msgspec.json.Decoder(tuple[Vif, ...])


class Store:
    """The folders of one host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def guests(self) -> set[str]:
        """Of whom something is kept."""
        return {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()

    def vifs(self, instance_uuid: str) -> tuple[Vif, ...]:
        """The ports that a guest is to be plugged into."""
        try:
            return _vifs.decode(self._vifs_file(instance_uuid).read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return ()

    def keep_vifs(self, instance_uuid: str, vifs: Sequence[Vif]) -> None:
        path = self._vifs_file(instance_uuid)
        _make(path.parent)
        new = path.with_suffix(".new")
        _write(new, msgspec.json.encode(list(vifs)))
        new.replace(path)

    def keep_files(self, instance_uuid: str, files: Mapping[str, bytes]) -> str | None:
        """Write the tree of a config drive anew.

        :returns: where it is; None: there are no files
        """
        folder = self._of(instance_uuid) / "config_drive"
        shutil.rmtree(folder, ignore_errors=True)
        if not files:
            return None
        for name, content in files.items():
            path = folder / _inside(name)
            _make(path.parent)
            _write(path, content)
        return str(folder)

    def mount_point(self, instance_uuid: str) -> Path:
        """Where the file system of a guest is that is being repaired."""
        return self._of(instance_uuid) / "rescued"

    def make_mount_point(self, instance_uuid: str) -> Path:
        folder = self.mount_point(instance_uuid)
        _make(folder)
        return folder

    def forget(self, instance_uuid: str) -> None:
        shutil.rmtree(self._of(instance_uuid), ignore_errors=True)

    def _vifs_file(self, instance_uuid: str) -> Path:
        return self._of(instance_uuid) / "vifs.json"

    def _of(self, instance_uuid: str) -> Path:
        return self.folder / _inside(instance_uuid)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise exception.VirtError(reason=f"{name!r} is no name of a file for a guest")
    return path


def _make(folder: Path) -> None:
    for each in (*reversed(folder.parents), folder):
        each.mkdir(exist_ok=True, mode=0o700)


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
