# SPDX-License-Identifier: Apache-2.0
"""All listeners of a host in one process: one thread waits for all of them, a few serve."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from oslo_log import log as logging

from minicloud.builtin.network.agent.metadata.handler import Ask, Handler
from minicloud.builtin.network.agent.metadata.limits import RateLimit
from minicloud.builtin.network.agent.metadata.upstream import Guest

LOG = logging.getLogger(__name__)

#: Questions at a time of all networks, of one network and of one address; more are hung up on.
_SERVED = 32
_OF_NETWORK = 24
_OF_ADDRESS = 6

#: Seconds that one connection may take in all.
_LIFETIME = 60.0

#: Seconds between two looks for connections that take too long.
_TICK = 1.0


class Connection(NamedTuple):
    """A connection that is served."""

    socket: socket.socket
    network_id: str
    address: str
    began: float


class Proxy:
    """Serves the guests of any number of networks; thread-safe."""

    def __init__(self, ask: Ask, rate: float) -> None:
        """:param rate: questions a second of one address"""
        self._ask = ask
        self._limit = RateLimit(rate)
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        #: What is written to one end wakes the waiting thread.
        self._bell, self._alarm = socket.socketpair()
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._listeners: dict[str, socket.socket] = {}
        self._guests: dict[str, dict[str, Guest]] = {}
        self._busy: set[Connection] = set()
        self._workers = ThreadPoolExecutor(_SERVED, thread_name_prefix="metadata")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def know(self, guests: dict[str, dict[str, Guest]]) -> None:
        """:param guests: network -> address -> who has it"""
        self._guests = guests

    def add(self, network_id: str, listener: socket.socket) -> None:
        """Serve a network; the socket is ours from now on."""
        self.remove(network_id)
        with self._lock:
            self._listeners[network_id] = listener
            self._selector.register(listener, selectors.EVENT_READ, network_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="metadata-proxy", daemon=True)
                self._thread.start()

    def remove(self, network_id: str) -> None:
        """Serve a network no more."""
        with self._lock:
            listener = self._listeners.pop(network_id, None)
            if listener is not None:
                self._selector.unregister(listener)
                listener.close()

    def stop(self) -> None:
        """Once and for all."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._alarm.send(b"!")
        for network_id in list(self._listeners):
            self.remove(network_id)
        if self._thread is not None:
            self._thread.join()
        self._hang_up(before=float("inf"))
        self._workers.shutdown(wait=True)
        self._selector.close()
        self._bell.close()
        self._alarm.close()

    # --- the waiting thread --------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            for key, _ in self._selector.select(_TICK):
                if key.data is not None:
                    self._accept(key.fileobj, key.data)
            self._hang_up(before=time.monotonic() - _LIFETIME)

    def _accept(self, listener: object, network_id: str) -> None:
        assert isinstance(listener, socket.socket)
        try:
            made, (address, _) = listener.accept()
        except OSError:
            return  # gone again, or the listener was removed meanwhile
        connection = Connection(made, network_id, address, time.monotonic())
        with self._lock:
            is_served = self._has_room(connection)
            if is_served:
                self._busy.add(connection)
        if not is_served:
            made.close()
            return
        try:
            self._workers.submit(self._serve, connection)
        except RuntimeError:  # stopping
            self._end(connection)

    def _has_room(self, new: Connection) -> bool:
        networks = Counter(each.network_id for each in self._busy)
        addresses = Counter((each.network_id, each.address) for each in self._busy)
        return (
            len(self._busy) < _SERVED
            and networks[new.network_id] < _OF_NETWORK
            and addresses[new.network_id, new.address] < _OF_ADDRESS
        )

    def _hang_up(self, before: float) -> None:
        """End connections that began before a moment; their threads notice."""
        with self._lock:
            late = [each for each in self._busy if each.began < before]
        for each in late:
            try:
                each.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has just ended by itself

    # --- the serving threads -------------------------------------------------------------------

    def _serve(self, connection: Connection) -> None:
        network_id = connection.network_id
        connection.socket.setblocking(True)
        try:
            Handler(
                connection.socket,
                connection.address,
                identify=lambda address: self._guests.get(network_id, {}).get(address),
                allows=lambda address: self._limit.allows((network_id, address)),
                ask=self._ask,
            )
        except OSError as error:
            LOG.debug("Guest at %s hung up: %s", connection.address, error)
        except Exception:
            LOG.exception("A question of %s could not be served", connection.address)
        finally:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.socket.close()
