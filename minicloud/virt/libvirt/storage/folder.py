# SPDX-License-Identifier: Apache-2.0
"""A guest's folder, and whose it is where hosts share their disks.

While a guest moves between two hosts that share the folder, both are told to remove it: the source
when the user confirms, the destination when the user turns back. Two small files say who may: ``owner``
is the host whose guest it is, ``kept`` the host that waits for it to come back.

=====================  =========  =======  =====================================
Step                   ``owner``  ``kept``  what ``remove`` does afterwards
=====================  =========  =======  =====================================
spawn at A             A                   A removes all
A lets it go           A          A        A removes all, B nothing
B takes it             B          A        A forgets ``kept``; B gives it back to A
=====================  =========  =======  =====================================
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from minicloud import exception

#: QEMU's user comes through, but sees no names.
_MODE = 0o711


class GuestFolder:
    """One guest's, on one host."""

    def __init__(self, instances: Path, uuid: str, host: str) -> None:
        self.path = instances / uuid
        self._host = host
        self._owner = self.path / "owner"
        self._kept = self.path / "kept"
        self._identity = self.path / "identity"

    @property
    def exists(self) -> bool:
        return self._owner.exists()

    @property
    def is_ours(self) -> bool:
        """Whether :meth:`remove` would remove it: it is this host's, or nobody's since somebody was half done."""
        return self.path.is_dir() and {_read(self._owner), _read(self._kept)} <= {None, self._host}

    @property
    def definition(self) -> Path:
        """The domain as it was before it was rescued; there only meanwhile."""
        return self.path / "before-rescue.xml"

    def identity(self) -> str:
        """What only this folder has, wherever it is looked at."""
        if (found := _read(self._identity)) is None:
            found = secrets.token_hex(16)
            write(self._identity, found.encode())
        return found

    def is_known_as(self, identity: str) -> bool:
        """Whether it is the folder that another host sees, too."""
        return _read(self._identity) == identity

    def inside(self, name: str) -> Path:
        """A file of the folder, by a name that another host tells.

        :raises VirtError: when it would be elsewhere
        """
        if name in ("", ".", "..") or Path(name).name != name:
            raise exception.VirtError(reason=f"{name!r} is no name of a disk")
        return self.path / name

    def make(self) -> None:
        """An empty folder of this host's."""
        self.open()
        self.take()

    def open(self) -> None:
        """A folder that is nobody's yet."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=_MODE)
        self.path.mkdir(exist_ok=True)
        self.path.chmod(_MODE)  # whatever the umask is

    def take(self) -> None:
        """From now on the guest is this host's."""
        write(self._owner, self._host.encode())

    def take_over(self) -> None:
        """As :meth:`take`, without asking; a host that is told to forget the guest gives it back to the one before."""
        before = _read(self._owner)
        if before not in (None, self._host):
            write(self._kept, str(before).encode())
        self.take()

    def give(self, host: str) -> None:
        """The guest is another host's for good."""
        write(self._owner, host.encode())
        self._kept.unlink(missing_ok=True)

    def keep(self) -> None:
        """The guest may come back to this host."""
        write(self._kept, self._host.encode())

    def come_back(self) -> None:
        """The guest has come back."""
        self.take()
        self._kept.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what is this host's to remove; nothing when there is nothing."""
        owner, kept = _read(self._owner), _read(self._kept)
        if kept == self._host and owner not in (None, self._host):
            self._kept.unlink(missing_ok=True)
        elif owner == self._host and kept not in (None, self._host):
            write(self._owner, str(kept).encode())
        elif owner in (None, self._host) and self.path.exists():
            # The files first: whoever finds the folder without an owner may finish this.
            shutil.rmtree(self.path)


def folders(instances: Path, host: str) -> set[str]:
    """The guests whose folders are a host's: by its word in them, since hosts may share the place."""
    found = (path.parent.name for path in instances.glob("*-*-*-*-*/owner") if _read(path) == host)
    return set(found)


def write(path: Path, data: bytes) -> None:
    """A small file that is there whole or not at all, and is nobody else's to read."""
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    new.replace(path)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
