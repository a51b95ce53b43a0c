# SPDX-License-Identifier: Apache-2.0
"""A disk image written anew as qcow2, by ``qemu-img`` under limits.

Whatever the source holds beside the disk, such as snapshots, bitmaps or names of other files, does not get into the
result; and tables that lead nowhere are found out here, not by a guest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils
from oslo_log import log as logging

from minicloud import exception
from minicloud.virt.driver import Cancelled

LOG = logging.getLogger(__name__)

#: Seconds between two looks at whether the result is still wanted.
_LOOK = 0.2
#: Bytes that the tables of a qcow2 may take beyond a thousandth of the disk.
_TABLES = 64 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of ``qemu-img`` may take."""

    #: Bytes of memory, by address space.
    memory: int = 4 << 30
    #: Seconds on a CPU, and as many again by the clock times ten.
    cpu_seconds: int = 600


def to_qcow2(
    source: Path, driver: str, to: Path, virtual_size: int, cancelled: threading.Event, limits: Limits
) -> None:
    """Write a disk to a new qcow2 of mode 0600, which then is on the disk.

    :param driver: QEMU's name of the source's format
    :param virtual_size: bytes of the disk in it
    :raises ProcessFailed: with what ``qemu-img`` said
    :raises Cancelled: when the event was set
    :raises ConfigurationError: when there is no ``qemu-img`` on this host
    """
    if shutil.which("qemu-img") is None:
        raise exception.ConfigurationError(reason="this host has no qemu-img; Debian's package is qemu-utils")
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    bounds = processutils.ProcessLimits(
        address_space=limits.memory,
        cpu_time=limits.cpu_seconds,
        core_file_size=0,
        file_size=virtual_size + virtual_size // 1000 + _TABLES,
    )
    # Not -f and a name: a backing file is ruled out, whatever the header says by now.
    opened: dict[str, Any] = {"driver": driver, "file": {"driver": "file", "filename": str(source)}}
    if driver == "qcow2":
        opened["backing"] = None
    arguments = ("qemu-img", "convert", "-q", "-O", "qcow2", "-o", "compat=1.1", f"json:{json.dumps(opened)}", str(to))
    _run(arguments, bounds, cancelled, limits)
    _sync(to)


class ProcessFailed(exception.VirtError):
    template = "{reason}"


def _run(
    arguments: tuple[str, ...], bounds: processutils.ProcessLimits, cancelled: threading.Event, limits: Limits
) -> None:
    with _watched(cancelled) as watch:
        try:
            processutils.execute(
                *arguments,
                prlimit=bounds,
                on_execute=watch.begin,
                timeout=10 * limits.cpu_seconds,
                # Each arena of malloc reserves 64 MiB of the address space, a thread one of its own.
                env_variables={**os.environ, "LC_ALL": "C", "MALLOC_ARENA_MAX": "2"},
            )
        except processutils.ProcessExecutionError as error:
            if cancelled.is_set():
                raise Cancelled() from None
            raise ProcessFailed(reason=_reason(error)) from None
        except subprocess.TimeoutExpired:
            watch.kill()
            raise ProcessFailed(reason=f"qemu-img took more than {10 * limits.cpu_seconds} s") from None


def _reason(error: processutils.ProcessExecutionError) -> str:
    said = " ".join(str(error.stderr or "").split())
    return said or f"qemu-img ended with {error.exit_code}, perhaps at a limit of memory, time or size"


class _Watch:
    """Ends a process when its result is not wanted any more."""

    def __init__(self, cancelled: threading.Event) -> None:
        self.over = threading.Event()
        self._cancelled = cancelled
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._look, name="qemu-img watch", daemon=True)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._thread.start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        self.over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        while not self.over.wait(_LOOK):
            if self._cancelled.is_set() and self._process is not None:
                self._process.kill()
                return


@contextmanager
def _watched(cancelled: threading.Event) -> Iterator[_Watch]:
    watch = _Watch(cancelled)
    try:
        yield watch
    finally:
        watch.end()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
