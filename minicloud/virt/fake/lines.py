# SPDX-License-Identifier: Apache-2.0
"""The consoles of fake guests on TCP: opened when somebody asks for them, closed when the guest ends.

They listen on loopback only, as those of a hypervisor behind a proxy do. There is nothing
in a fake guest that would need to be kept from this machine's users.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from typing import Final

from oslo_log import log as logging

from minicloud.virt.fake import screen
from minicloud.virt.fake.terminal import Terminal

LOG = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.1"

#: Seconds after which a terminal that others write to is looked at again.
PACE: Final = 0.1

#: Connections to one console at the same time.
_MOST: Final = 8

#: Speaks a protocol on one connection until that ends: (connection, terminal)
Speaker = Callable[[socket.socket, Terminal], None]


def serial_line(connection: socket.socket, terminal: Terminal) -> None:
    """Bytes as on a serial line."""
    position = 0
    while True:
        text, position = terminal.read(position)
        if text:
            connection.sendall(text.replace("\n", "\r\n").encode())
        if select.select((connection,), (), (), PACE)[0]:
            data = connection.recv(4096)
            if not data:
                return
            terminal.type(data.decode(errors="replace"))


SPEAKERS: Final[dict[str, Speaker]] = {"serial": serial_line, "vnc": screen.serve}


class Listener:
    """One console of one guest."""

    def __init__(self, terminal: Terminal, speak: Speaker) -> None:
        self._terminal = terminal
        self._speak = speak
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False
        self._socket = socket.create_server((ADDRESS, 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, name=f"fake-console-{self.port}", daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody."""
        with self._lock:
            self._is_closed = True
            for each in (self._socket, *self._open):
                _hang_up(each)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with self._lock:
                refused = self._is_closed or len(self._open) >= _MOST
                if not refused:
                    self._open.add(connection)
            if refused:
                connection.close()
                continue
            threading.Thread(target=self._work, args=(connection,), name="fake-console", daemon=True).start()

    def _work(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._speak(connection, self._terminal)
        except (OSError, ValueError) as error:
            LOG.debug("A console of %s ended: %s", self._terminal.name, error)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _hang_up(one: socket.socket) -> None:
    try:
        # Closing alone does not wake a thread that waits for it.
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()


class Consoles:
    """Those of all guests of a host; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._terminals: dict[str, Terminal] = {}
        self._listeners: dict[tuple[str, str], Listener] = {}

    def open(self, uuid: str, kind: str, name: str, history: Callable[[], str]) -> int:
        """The port of a guest's console, which is opened if it is not open.

        :param kind: one of :data:`SPEAKERS`
        :param name: the guest's host name
        :param history: all that the guest has written by itself
        """
        with self._lock:
            if uuid not in self._terminals:
                self._terminals[uuid] = Terminal(name, history)
            if (uuid, kind) not in self._listeners:
                self._listeners[uuid, kind] = Listener(self._terminals[uuid], SPEAKERS[kind])
            return self._listeners[uuid, kind].port

    def end(self, uuid: str) -> None:
        """Close a guest's consoles."""
        with self._lock:
            self._terminals.pop(uuid, None)
            ended = [self._listeners.pop((uuid, kind), None) for kind in SPEAKERS]
        for one in filter(None, ended):
            one.close()

    def end_all(self) -> None:
        with self._lock:
            uuids = list(self._terminals)
        for uuid in uuids:
            self.end(uuid)
