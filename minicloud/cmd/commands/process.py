# SPDX-License-Identifier: Apache-2.0
"""The one process of a cloud on this machine: its files, its lock, what it says about itself.

Whoever holds the lock on ``run/minicloud.pid`` is the cloud. The kernel lets go of it when
the process ends, however it ends, so that nothing stale is ever left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

#: In every directory that minicloud made for itself alone: only such a one may be removed.
MARKER = ".minicloud"

#: Seconds for which somebody who only looks may hold the lock.
_GLANCE = 1.0


class AlreadyRunning(Exception):
    """Another process is this cloud."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a running cloud says about itself, in ``run/minicloud.json``."""

    pid: int
    #: How clients reach it, and how this machine does.
    url: str
    local_url: str
    hosts: int
    #: When it began, in seconds since 1970.
    started_at: float
    is_ready: bool = False
    #: The clouds.yaml that has its entries; empty when none has.
    clouds_yaml: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the kernel says about a process."""

    #: seconds
    uptime: float
    #: bytes
    rss: int


class Home:
    """The state directory of a cloud, and who lives there."""

    def __init__(self, state_dir: str | Path) -> None:
        self.path = Path(os.path.abspath(state_dir))
        self.pid_file = self.path / "run" / "minicloud.pid"
        self.record_file = self.path / "run" / "minicloud.json"
        self.log_file = self.path / "log" / "minicloud.log"
        #: There once the cloud has got an image of a tiny guest.
        self.guest_file = self.path / "guest-image"

    def prepare(self) -> None:
        """Make the directory and what the programs need in it, for the owner's eyes only."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not any(self.path.iterdir()):
            _touch(self.path / MARKER)
        for folder in (self.pid_file.parent, self.log_file.parent):
            folder.mkdir(exist_ok=True, mode=0o700)
        _touch(self.log_file)

    @property
    def is_ours_alone(self) -> bool:
        return (self.path / MARKER).is_file()

    def running(self) -> Record | None:
        """What the process that is this cloud says, if there is one."""
        if not self._is_locked():
            return None
        pid = self._pid()
        try:
            record = Record(**json.loads(self.record_file.read_text()))
        except (OSError, ValueError, TypeError):
            record = None
        # One that was killed leaves its record to the next, who has the lock before it can remove it.
        if record is not None and record.pid == pid:
            return record
        return Record(pid=pid, url="", local_url="", hosts=0, started_at=0.0)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be this cloud for a while.

        :raises AlreadyRunning: when another process is
        """
        handle = self._take()
        try:
            self.record_file.unlink(missing_ok=True)
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            yield
        finally:
            self.record_file.unlink(missing_ok=True)
            # A file that goes while others wait for its lock would make two clouds: it is emptied instead.
            os.ftruncate(handle, 0)
            os.close(handle)

    def write(self, record: Record) -> None:
        """Say something about the cloud; only the holder of the lock may."""
        draft = self.record_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(record)))
        draft.replace(self.record_file)

    def _take(self) -> int:
        deadline = time.monotonic() + _GLANCE
        while True:
            handle = os.open(self.pid_file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_same(handle, self.pid_file):
                    return handle
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise AlreadyRunning(str(self.path)) from None
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
            time.sleep(0.05)

    def _is_locked(self) -> bool:
        try:
            handle = os.open(self.pid_file, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            # Shared, so that two who look do not take each other for the cloud.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def _pid(self) -> int:
        """0 in the instant before it is written."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return 0
        return pid if usage(pid) else 0


def _touch(path: Path) -> None:
    """Make a file that only its owner may read, if it is missing."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


def _is_same(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at a path; a reset may have removed it since."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def usage(pid: int) -> Usage | None:
    """Uptime and memory of a process; None when it is gone."""
    try:
        # The name in parentheses may have spaces; proc(5) numbers the fields from there.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        since_boot = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return None
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Usage(uptime=max(0.0, since_boot - started), rss=pages * os.sysconf("SC_PAGE_SIZE"))
