# SPDX-License-Identifier: Apache-2.0
"""A guest that is repaired: a container of another image takes its place and sees its file system at ``/mnt``.

The guest's own container gets another name meanwhile, so that all other verbs are about the one
in its place. Its file system is mounted as Docker does it for containers that run: an overlay of
its layers, of which the uppermost is written to. Docker does not, while it is off.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from docker import errors

from minicloud import exception
from minicloud.virt.docker.daemon import Daemon
from minicloud.virt.docker.store import Store

#: Where the guest's file system is in the container that repairs it.
MOUNT = "/mnt"

_OVERLAY = "overlay2"


class Rescues:
    """The guests of one host that are being repaired."""

    def __init__(self, daemon: Daemon, store: Store) -> None:
        self._daemon = daemon
        self._store = store

    def is_on(self, name: str) -> bool:
        """
        :param name: of the container, as for all methods here
        """
        return self._inspect(_kept(name)) is not None

    def begin(self, name: str) -> None:
        """Put the guest's own container aside, and make room for another of its name; idempotent.

        :raises NotSupported: when Docker keeps its file system in another way than in layers of an overlay
        """
        found = self._inspect(_kept(name)) or self._inspect(name)
        assert found is not None, "the caller has looked"
        if found["GraphDriver"]["Name"] != _OVERLAY:
            reason = f"Rescue needs Docker's storage driver {_OVERLAY}, and this is {found['GraphDriver']['Name']}."
            raise exception.NotSupported(reason)
        if self.is_on(name):
            self._remove(name)
        else:
            self._daemon.api.rename(name, _kept(name))

    def mount(self, name: str, instance_uuid: str) -> str:
        """
        :returns: the folder at which the guest's file system is now
        :raises VirtError:
        """
        folder = self._store.make_mount_point(instance_uuid)
        found = self._inspect(_kept(name))
        if found is not None and not os.path.ismount(folder):
            layers = found["GraphDriver"]["Data"]
            names = {"lowerdir": "LowerDir", "upperdir": "UpperDir", "workdir": "WorkDir"}
            options = ",".join(f"{ours}={layers[theirs]}" for ours, theirs in names.items())
            _run(["mount", "-t", "overlay", "-o", f"nodev,nosuid,{options}", "overlay", str(folder)])
        return str(folder)

    def end(self, name: str, instance_uuid: str) -> None:
        """Put the guest's own container back into its place; nothing when it is there."""
        if self.is_on(name):
            self._remove(name)
            self._unmount(instance_uuid)
            self._daemon.api.rename(_kept(name), name)

    def forget(self, name: str, instance_uuid: str) -> None:
        """Remove what was put aside."""
        self._unmount(instance_uuid)
        self._remove(_kept(name))

    def _unmount(self, instance_uuid: str) -> None:
        folder = self._store.mount_point(instance_uuid)
        if os.path.ismount(folder):
            _run(["umount", str(folder)])

    def _remove(self, name: str) -> None:
        try:
            self._daemon.api.remove_container(name, v=True, force=True)
        except errors.NotFound:
            pass

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._daemon.api.inspect_container(name)
        except errors.NotFound:
            return None
        return found


def _kept(name: str) -> str:
    return f"{name}-kept"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise exception.VirtError(reason=f"{Path(command[0]).name} failed: {done.stderr.strip()}")
