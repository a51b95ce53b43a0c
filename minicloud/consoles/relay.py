# SPDX-License-Identifier: Apache-2.0
"""Carrying bytes between a WebSocket and a console, in one thread, until one of them ends."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import RemoteProtocolError

from minicloud.consoles.grants import Refused

#: Bytes that are read at once.
_PIECE = 64 * 1024

#: Seconds between two pings, which keep what is between us and the browser from forgetting us.
_PING = 30.0

#: Seconds within which a record follows what has happened to a guest, by itself and at the end of an action.
_SETTLING = 2.0
_ACTING = 20.0

#: Seconds that somebody may take to read what is sent.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    #: Seconds without a byte, after which a console is closed; 0: none.
    idle: float
    #: Seconds between two looks at whether it may stay open.
    check: float


class Relay:
    """One open console."""

    def __init__(
        self, browser: socket.socket, console: socket.socket, check: Callable[[], bool], limits: Limits
    ) -> None:
        """
        :param browser: after the WebSocket's opening handshake
        :param check: raises :class:`Refused` when the console may not stay open; says whether an action is going on
        """
        self._browser = browser
        self._console = console
        self._check = check
        self._limits = limits
        self._socket = Connection(ConnectionType.SERVER)
        self._moved_at = time.monotonic()

    def run(self) -> None:
        """Until somebody hangs up, or it is not allowed any more."""
        for end in (self._browser, self._console):
            keep_alive(end)
            end.settimeout(_PATIENCE)
        try:
            self._carry()
        except Refused as refused:
            self._console.close()
            say_goodbye(self._browser, self._socket, refused.code, refused.message)
        except RemoteProtocolError as error:
            hint = error.event_hint
            code = int(hint.code) if isinstance(hint, CloseConnection) else 1002
            say_goodbye(self._browser, self._socket, code, "")
        except OSError:
            pass  # the browser is gone, or reads nothing any more

    def _carry(self) -> None:
        checked_at = pinged_at = time.monotonic()
        while True:
            ready, _, _ = select.select((self._browser, self._console), (), (), min(self._limits.check, 1.0))
            if self._browser in ready and not self._from_browser():
                return
            if self._console in ready:
                self._from_console()
            moment = time.monotonic()
            if moment - checked_at >= self._limits.check:
                self._check()
                checked_at = moment
            if moment - pinged_at >= _PING:
                self._browser.sendall(self._socket.send(Ping()))
                pinged_at = moment
            if self._limits.idle and moment - self._moved_at >= self._limits.idle:
                raise Refused("idle", "Nothing happened here for a long time.")

    def _from_browser(self) -> bool:
        """Whether the browser is still there."""
        data = self._browser.recv(_PIECE)
        if not data:
            return False
        self._socket.receive_data(data)
        for event in self._socket.events():
            if isinstance(event, BytesMessage | TextMessage):
                self._moved_at = time.monotonic()
                piece = event.data
                self._to_console(piece.encode() if isinstance(piece, str) else bytes(piece))
            elif isinstance(event, Ping):
                self._browser.sendall(self._socket.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._browser.sendall(self._socket.send(event.response()))
                return False
        return True

    def _to_console(self, data: bytes) -> None:
        try:
            self._console.sendall(data)
        except OSError:
            self._ended()

    def _from_console(self) -> None:
        try:
            data = self._console.recv(_PIECE)
        except OSError:
            data = b""
        if not data:
            self._ended()
        self._moved_at = time.monotonic()
        self._browser.sendall(self._socket.send(BytesMessage(data=data)))

    def _ended(self) -> None:
        """Say why the console hung up, as far as that is known.

        :raises Refused: always
        """
        # A guest is off before its record says so, and long before when it is being stopped.
        began = time.monotonic()
        while time.monotonic() - began < (_ACTING if self._check() else _SETTLING):
            time.sleep(0.25)
        raise Refused("ended", "The server has closed its console: it may be going off, or somebody else has taken it.")


def say_goodbye(browser: socket.socket, websocket: Connection, code: int, reason: str) -> None:
    """Close a WebSocket and say why."""
    if websocket.state is ConnectionState.OPEN:
        try:
            # 125 bytes is all that a closing frame holds.
            browser.sendall(websocket.send(CloseConnection(code=code, reason=reason[:120])))
            _await_end(browser)
        except OSError:
            pass


def _await_end(browser: socket.socket) -> None:
    """A browser that is hung up on before it has read why does not read it."""
    browser.settimeout(2.0)
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline and browser.recv(_PIECE):
        pass


def keep_alive(end: socket.socket) -> None:
    """Let the kernel find out when the other end is gone without a word."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            end.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
