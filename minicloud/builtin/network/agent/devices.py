# SPDX-License-Identifier: Apache-2.0
"""Network devices that come and go, as the kernel tells it: netlink(7), rtnetlink(7)."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Groups of rtnetlink that tell of links.
_GROUPS = 1
#: RTM_NEWLINK and RTM_DELLINK
_LINKS = (16, 17)
#: IFLA_IFNAME
_NAME = 3
#: length, type, flags, sequence, sender
_HEADER = struct.Struct("=IHHII")
#: ifinfomsg: family, type, index, flags, change
_INFO = struct.Struct("=BxHiII")
#: length, type
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 20


def names() -> set[str]:
    """The devices there are now."""
    return {name for _index, name in socket.if_nameindex()}


class Watcher:
    """Calls back when a guest's device appears, goes, or changes."""

    def __init__(self, changed: Callable[[], None], prefix: str = "tap") -> None:
        """
        :param changed: called in the watcher's thread, perhaps more often than need be
        :param prefix: only of devices named so
        """
        self._changed = changed
        self._prefix = prefix
        self._socket: socket.socket | None = None
        self._ends: tuple[int, int] = (-1, -1)
        self._thread: threading.Thread | None = None

    def names(self) -> set[str]:
        return names()

    def start(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((0, _GROUPS))
        self._ends = os.pipe()
        self._thread = threading.Thread(target=self._run, args=(self._socket,), name="network-devices", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is None or self._socket is None:
            return
        os.write(self._ends[1], b"x")
        self._thread.join()
        self._socket.close()
        for end in self._ends:
            os.close(end)
        self._thread = None

    def _run(self, link: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([link.fileno(), self._ends[0]], [], [])
            if self._ends[0] in readable:
                return
            try:
                told = link.recv(_BUFFER)
            except OSError as error:  # ENOBUFS: more at once than there was room for
                LOG.info("Missed what happened to network devices: %s", error)
                self._changed()
                continue
            if any(name.startswith(self._prefix) for name in link_names(told)):
                self._changed()


def link_names(told: bytes) -> Iterator[str]:
    """The devices that a packet of the kernel's messages is about."""
    at = 0
    while at + _HEADER.size <= len(told):
        length, kind, *_rest = _HEADER.unpack_from(told, at)
        if length < _HEADER.size:
            return
        if kind in _LINKS:
            yield from _names(told[at + _HEADER.size + _INFO.size : at + length])
        at += _aligned(length)


def _names(attributes: bytes) -> Iterator[str]:
    at = 0
    while at + _ATTRIBUTE.size <= len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, at)
        if length < _ATTRIBUTE.size:
            return
        if kind == _NAME:
            yield attributes[at + _ATTRIBUTE.size : at + length].rstrip(b"\0").decode(errors="replace")
        at += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
