# SPDX-License-Identifier: Apache-2.0
"""One dnsmasq: its files, its start, its end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from minicloud.builtin.network.agent import privileged
from minicloud.builtin.network.agent.dhcp.config import Files

#: Seconds it may take to end.
_PATIENCE = 5.0
_PACE = 0.01


class Dnsmasq:
    """The server of one network; what is on the host is all the memory there is."""

    def __init__(self, files: Files, namespace: str) -> None:
        self.files = files
        self._namespace = namespace

    @property
    def pid(self) -> int | None:
        """Its process, if it runs: a number that another program has by now is none."""
        try:
            number = int(self.files.pid.read_text())
            command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return number if os.fsencode(f"--conf-file={self.files.config}") in command else None

    def apply(self, config: str, tables: dict[Path, str]) -> None:
        """Have it run with this configuration and these tables.

        :param config: starts it anew when it is another one
        :param tables: files that it can read again as it goes
        """
        held = {path: _read(path) for path in (self.files.config, *tables)}
        wanted = {self.files.config: config, **tables}
        changed = [path for path, text in wanted.items() if held[path] != text]
        pid = self.pid
        if pid is not None and not changed:
            return
        self._write({path: wanted[path] for path in changed})
        if pid is None:
            self._start()
        elif self.files.config in changed or _lost(held[self.files.hosts], wanted[self.files.hosts]):
            self.stop()
            self._start()
        else:
            privileged.kill(pid, signal.SIGHUP)

    def stop(self) -> None:
        """End it; idempotent."""
        pid = self.pid
        if pid is None:
            return
        privileged.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        while self.pid is not None:
            if time.monotonic() > deadline:
                privileged.kill(pid, signal.SIGKILL)
                return
            time.sleep(_PACE)

    def remove(self) -> None:
        """End it and forget its files."""
        self.stop()
        privileged.run(["rm", "-rf", "--", str(self.files.folder)])

    def _start(self) -> None:
        privileged.run(["dnsmasq", f"--conf-file={self.files.config}"], self._namespace)

    def _write(self, texts: dict[Path, str]) -> None:
        # It reads its tables again as a user who is not root: they are for all to read, and nobody else to write.
        privileged.run(["install", "-d", "-m", "0755", str(self.files.folder)])
        for path, text in texts.items():
            privileged.run(["install", "-m", "0644", "/dev/stdin", str(path)], stdin=text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _lost(before: str | None, after: str) -> bool:
    """Whether somebody is served no more: only a new start forgets that an address was leased."""
    return not set((before or "").splitlines()) <= set(after.splitlines())
