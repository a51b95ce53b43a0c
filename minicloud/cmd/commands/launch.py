# SPDX-License-Identifier: Apache-2.0
"""Starting the cloud in the background, and watching it until it is ready."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import minicloud
from minicloud.cmd.commands.base import Refused
from minicloud.cmd.commands.process import Home, Record

#: A line of the log that is a step of the start.
_STEP = re.compile(r"Service (\S+) started")

#: A line of the log that says what is wrong.
_WRONG = re.compile(r" (ERROR|CRITICAL) |^Traceback")

#: Seconds between looks.
_PACE = 0.1

#: How much of the log tells why it did not start.
_LAST_LINES = 20


def start(command: Sequence[str], home: Home, timeout: float) -> Record:
    """Start a cloud that goes on without us, and wait until it is ready.

    :param timeout: seconds
    :raises Refused: when it ends before, or is not ready in time; it does not run then
    """
    offset = home.log_file.stat().st_size
    with home.log_file.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=_environment()
        )
    try:
        with _progress() as show:
            return _wait(process, home, _Tail(home.log_file, offset, show), time.monotonic() + timeout)
    except BaseException:
        process.terminate()
        raise


def _wait(process: subprocess.Popen[bytes], home: Home, tail: _Tail, deadline: float) -> Record:
    while True:
        tail.look()
        ended = process.poll() is not None
        record = home.running()
        if record is not None and record.is_ready:
            return record
        # Ended and yet running: another start was faster, and is what we wait for.
        if ended and record is None:
            raise Refused(f"The cloud did not start (exit code {process.returncode}).{tail.end()}")
        if time.monotonic() > deadline:
            raise Refused(f"The cloud was not ready in time and is stopped again; see --timeout.{tail.end()}")
        time.sleep(_PACE)


class _Tail:
    """What this start has added to the log."""

    def __init__(self, path: Path, offset: int, show: Callable[[str], None]) -> None:
        self._path = path
        self._offset = offset
        self._read = offset
        self._show = show

    def look(self) -> None:
        """Show the steps that were taken since the last look."""
        text = self._from(self._read)
        # The last line may be only half there.
        whole = text[: text.rfind("\n") + 1]
        self._read += len(whole.encode(errors="surrogateescape"))
        for step in _STEP.findall(whole):
            self._show(step)

    def end(self) -> str:
        """What of this start's log tells why it failed: from the first error on, else its end."""
        lines = self._from(self._offset).splitlines()
        if not lines:
            return f" Nothing is in {self._path}."
        wrong = next((number for number, line in enumerate(lines) if _WRONG.search(line)), None)
        told = lines[-_LAST_LINES:] if wrong is None else lines[wrong:][:_LAST_LINES]
        return f" From {self._path}:" + "".join(f"\n  {line}" for line in told)

    def _from(self, offset: int) -> str:
        with self._path.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="surrogateescape")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A spinner with the last step on a terminal; lines elsewhere."""
    if not sys.stdout.isatty():
        print("Starting the cloud", flush=True)
        yield lambda step: print(f"  {step}", flush=True)
        return
    from rich.console import Console

    with Console().status("Starting the cloud") as status:
        yield lambda step: status.update(f"Starting the cloud: {step}")


def _environment() -> dict[str, str]:
    """Ours, such that the child imports the same minicloud from wherever it is started."""
    ours = str(Path(minicloud.__path__[0]).parent)
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in (ours, *known))}
