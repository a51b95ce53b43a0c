# SPDX-License-Identifier: Apache-2.0
"""Numbers of this host that a guest has for itself: TCP ports of serial lines, CPUs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable


class Reservations:
    """Who has which of some numbers; thread-safe."""

    def __init__(self, numbers: Iterable[int], is_free: Callable[[int], bool] = lambda number: True) -> None:
        """
        :param is_free: whether nobody unknown to us uses a number
        """
        self._numbers = tuple(numbers)
        self.is_free = is_free
        self._taken: dict[str, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def note(self, uuid: str, numbers: Iterable[int]) -> None:
        """What a guest has already."""
        with self._lock:
            self._taken[uuid] = tuple(numbers)

    def take(self, uuid: str, count: int) -> tuple[int, ...]:
        """So many for a guest, or as many as there are; those that it has come first."""
        with self._lock:
            mine = list(self._taken.get(uuid, ()))[:count]
            others = {number for who, taken in self._taken.items() if who != uuid for number in taken}
            for number in self._numbers:
                if len(mine) >= count:
                    break
                if number not in others and number not in mine and self.is_free(number):
                    mine.append(number)
            self._taken[uuid] = tuple(mine)
            return tuple(mine)

    def release(self, uuid: str) -> None:
        with self._lock:
            self._taken.pop(uuid, None)


def can_listen(address: str) -> Callable[[int], bool]:
    """Whether a TCP port of an address is free now."""

    def is_free(port: int) -> bool:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
        return True

    return is_free
