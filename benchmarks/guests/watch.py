# SPDX-License-Identifier: Apache-2.0
"""When something is seen of a guest: in the cloud's log, on its console, at its SSH port."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyroute2.netns

#: Seconds between two tries at a guest's SSH port, and until one is given up: a packet may have been lost.
_PACE = 0.03
_PATIENCE = 0.25

_BUILT = re.compile(
    r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) .* Built in (?P<total>[\d.]+) s(: (?P<stages>.*))?"
    r" \[instance: (?P<uuid>[0-9a-f-]{36})\]$"
)


@dataclass(frozen=True, slots=True)
class Built:
    """What a compute host says of a guest that it has built, in seconds."""

    uuid: str
    #: When it was ACTIVE, since 1970.
    at: float
    #: Since the host began with it.
    total: float
    #: Stage -> how long it took.
    stages: dict[str, float]


def built(text: str) -> Built | None:
    """What a line of the log tells of a build that ended; None when it is about something else."""
    if (found := _BUILT.match(text)) is None:
        return None
    parts = [part.rsplit(" ", 2) for part in (found["stages"] or "").split(", ") if part]
    return Built(
        found["uuid"],
        datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S.%f").timestamp(),
        float(found["total"]),
        {name: float(seconds) for name, seconds, _unit in parts},
    )


class Log:
    """A file that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size

    def news(self) -> Iterator[Built]:
        """The builds that ended since the last look."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if (found := built(line)) is not None:
                yield found


class Banner(threading.Thread):
    """Waits for a guest's SSH server to say its name; a network namespace is a thread's own."""

    def __init__(self, namespace: str, address: str) -> None:
        """
        :param namespace: path of the network namespace in which the guest is reached
        """
        super().__init__(daemon=True)
        self._namespace = namespace
        self._address = address
        self._given_up = threading.Event()
        #: Seconds since 1970; None: not yet.
        self.at: float | None = None
        #: What the kernel knows the namespace by in which the thread is.
        self._inside = 0

    def run(self) -> None:
        while not self._speaks():
            if self._given_up.wait(_PACE):
                return
        self.at = time.time()

    def _enter(self) -> None:
        """Anew when it is another one, as it is after the last guest of a network has gone and before the next came."""
        handle = os.open(self._namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = os.fstat(handle).st_ino
            if found != self._inside:
                pyroute2.netns.setns(handle)
                self._inside = found
        finally:
            os.close(handle)

    def _speaks(self) -> bool:
        try:
            self._enter()
            with socket.create_connection((self._address, 22), timeout=_PATIENCE) as connection:
                connection.settimeout(5)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def give_up(self) -> None:
        self._given_up.set()


class Console:
    """A file that a guest's first serial line is written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: What is looked for -> when it was seen, in seconds since 1970.
        self.seen: dict[str, float] = {}

    def look(self, *wanted: str) -> bool:
        """
        :param wanted: texts, of which the empty one is anything at all
        :returns: whether all were seen
        """
        missing = [text for text in wanted if text not in self.seen]
        if missing and self._path.exists():
            content = self._path.read_text(errors="replace")
            self.seen |= {text: time.time() for text in missing if content and text in content}
        return all(text in self.seen for text in wanted)
