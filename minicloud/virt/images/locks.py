# SPDX-License-Identifier: Apache-2.0
"""Locks by name between the processes and threads of a host; one that dies lets go."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from minicloud.virt.driver import Cancelled

#: Seconds between two tries.
_AGAIN = 0.1


@contextmanager
def held(path: Path, cancelled: threading.Event, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock; its file is made when it is not there.

    :param waiting: called before each wait
    :raises Cancelled: when the event was set before the lock was had
    """
    while (handle := _try(path)) is None:
        waiting()
        if cancelled.wait(_AGAIN):
            raise Cancelled()
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody else does; whether it is held.

    Its file may be removed while it is held.
    """
    handle = _try(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _try(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who had it before may have removed the file: then this lock is one of nothing.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None
