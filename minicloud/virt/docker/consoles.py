# SPDX-License-Identifier: Apache-2.0
"""Consoles that can be typed on: each guest's is a port of this host, behind which its terminal is.

Docker has no such ports. Here is one for each guest that was asked for; whoever connects to it
is attached to the container, as ``docker attach`` does it. There is no password: consoles are
for the console proxy, which asks for one, so that the ports are on loopback by default.
"""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import Any

from docker import errors
from oslo_log import log as logging

from minicloud.virt.docker.daemon import Daemon, why

LOG = logging.getLogger(__name__)

#: Keys that Docker keeps for itself: a sequence that nobody types, for ctrl-p is of use in a shell.
_DETACH = "ctrl-@,ctrl-@,ctrl-@"

_ATTACH = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1, "logs": 0, "detachKeys": _DETACH}

_PIECE = 1 << 16

#: Rows and columns of a terminal about which nothing is known.
_SIZE = (24, 80)


class Consoles:
    """The ports of one host's consoles; thread-safe."""

    def __init__(self, daemon: Daemon, listen: str) -> None:
        """
        :param listen: address of this host
        """
        self._daemon = daemon
        self._address = listen
        self._lock = threading.Lock()
        self._listeners: dict[str, socket.socket] = {}

    def port(self, container: str) -> int:
        """The port of a container's console, for as long as the container is there.

        :raises OSError: when there is no port
        """
        with self._lock:
            listener = self._listeners.get(container)
            if listener is None:
                family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
                listener = socket.create_server((self._address, 0), family=family)
                self._listeners[container] = listener
                _in_background(self._accept, container, listener)
            return int(listener.getsockname()[1])

    def close(self, container: str) -> None:
        with self._lock:
            listener = self._listeners.pop(container, None)
        if listener is not None:
            _close(listener)

    def close_all(self) -> None:
        for container in list(self._listeners):
            self.close(container)

    def _accept(self, container: str, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return  # closed
            _in_background(self._serve, container, client)

    def _serve(self, container: str, client: socket.socket) -> None:
        try:
            with client:
                attached = self._daemon.api.attach_socket(container, params=_ATTACH)
                try:
                    self._daemon.api.resize(container, *_SIZE)
                    _relay(client, attached._sock)
                finally:
                    attached.close()
        except (errors.DockerException, OSError, ValueError) as error:
            LOG.info("A console of %s ended: %s", container, why(error))


def _relay(one: socket.socket, other: Any) -> None:
    """Carry bytes both ways until either side ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _events in ready.select():
                piece = key.fileobj.recv(_PIECE)  # type: ignore[union-attr]  # sockets, as registered
                if not piece:
                    return
                key.data.sendall(piece)


def _in_background(work: Any, *args: object) -> None:
    threading.Thread(target=work, args=args, name="docker-console", daemon=True).start()


def _close(listener: socket.socket) -> None:
    # Closing alone leaves a thread in accept() where it is.
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
