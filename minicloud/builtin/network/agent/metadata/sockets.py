# SPDX-License-Identifier: Apache-2.0
"""A socket that listens in another network namespace, for this process to use."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: Where iproute2 keeps what it named.
FOLDER: Final = Path("/run/netns")

ADDRESS: Final = ("169.254.169.254", 80)

_CLONE_NEWNET: Final = 0x40000000  # <sched.h>
_IP_FREEBIND: Final = 15  # <linux/in.h>
_WAITING: Final = 64

#: Which namespace a name stands for; another of the same name is not the same.
Identity = tuple[int, int]


def identity(namespace: str) -> Identity | None:
    """None: there is no such namespace."""
    try:
        found = (FOLDER / namespace).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def listen(namespace: str, address: tuple[str, int] = ADDRESS) -> socket.socket:
    """
    :param address: may come to the namespace later
    :raises OSError: when the port is taken, or this process is not root
    """
    made: list[socket.socket] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            _enter(namespace)
            made.append(_listen(address))
        except BaseException as error:
            failed.append(error)

    # A namespace is a thread's: one of its own goes there, makes the socket, and ends.
    _run(work)
    if failed:
        raise failed[0]
    return made[0]


def _run(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name="enter-namespace", daemon=True)
    thread.start()
    thread.join()


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(FOLDER / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"namespace {namespace} cannot be entered: {os.strerror(code)}")
    finally:
        os.close(handle)


def _listen(address: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        made.bind(address)
        made.listen(_WAITING)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
