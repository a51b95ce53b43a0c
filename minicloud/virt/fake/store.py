# SPDX-License-Identifier: Apache-2.0
"""Where fake guests live: in memory, and in a journal that survives the process.

The journal has one line of JSON per change, the last line of a guest counts. A change is
one ``write``, so a killed process leaves at most an unfinished last line, which is ignored.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec


class Guest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fake guest."""

    uuid: str
    name: str
    flavor: str
    vcpus: int
    memory_mb: int
    image: str
    power: int
    #: MAC addresses of its interfaces.
    macs: tuple[str, ...] = ()
    #: What happened to it, oldest first: "boot", "shutdown" …; its console tells.
    history: tuple[str, ...] = ()
    #: Seconds since the epoch when it was started last.
    booted_at: float = 0.0


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    uuid: str
    #: None: the guest is gone.
    guest: Guest | None = None


_decoder = msgspec.json.Decoder(_Line)

#: Lines beyond those in use after which the journal is written anew.
_SLACK = 1000


class GuestStore:
    """The guests of one fake host; thread-safe."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: the host's own; made when it is missing
        """
        self._path = folder / "guests.jsonl"
        self._lock = threading.Lock()
        self._guests: dict[str, Guest] = {}
        self._lines = 0

    def load(self) -> None:
        """Read the journal, and leave it without the unfinished and the outdated."""
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._read()
            self._rewrite()

    def look(self) -> None:
        """Read the journal and leave it as it is: another process may write it."""
        with self._lock:
            self._read()

    def all(self) -> list[Guest]:
        with self._lock:
            return list(self._guests.values())

    def get(self, uuid: str) -> Guest | None:
        return self._guests.get(uuid)

    def put(self, guest: Guest) -> None:
        self._write(_Line(guest.uuid, guest))

    def remove(self, uuid: str) -> bool:
        """Whether it was there."""
        if uuid not in self._guests:
            return False
        self._write(_Line(uuid))
        return True

    def _read(self) -> None:
        self._guests = {}
        for line in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                self._apply(_decoder.decode(line))
            except msgspec.DecodeError:
                continue  # the write that a kill cut short

    def _apply(self, line: _Line) -> None:
        if line.guest is None:
            self._guests.pop(line.uuid, None)
        else:
            self._guests[line.uuid] = line.guest

    def _write(self, line: _Line) -> None:
        with self._lock:
            # Opened for each change: thousands of hosts would need too many open files.
            journal = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(journal, msgspec.json.encode(line) + b"\n")
            finally:
                os.close(journal)
            self._apply(line)
            self._lines += 1
            if self._lines > 2 * len(self._guests) + _SLACK:
                self._rewrite()

    def _rewrite(self) -> None:
        new = self._path.with_suffix(".new")
        lines = [msgspec.json.encode(_Line(guest.uuid, guest)) + b"\n" for guest in self._guests.values()]
        new.write_bytes(b"".join(lines))
        new.chmod(0o600)
        new.replace(self._path)
        self._lines = len(lines)
