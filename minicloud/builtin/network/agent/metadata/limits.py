# SPDX-License-Identifier: Apache-2.0
"""How often an address may ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Addresses that are remembered; one that is forgotten starts anew.
_MOST = 10000


class RateLimit:
    """A bucket for each who asks, that fills by so many a second and holds two seconds' worth; thread-safe."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        #: Who -> (what is left, when that was).
        self._left: dict[object, tuple[float, float]] = {}

    def allows(self, who: object) -> bool:
        """Whether there is one left; then it is used."""
        now = self._clock()
        most = 2 * self._rate
        with self._lock:
            left, before = self._left.get(who, (most, now))
            left = min(most, left + (now - before) * self._rate)
            is_allowed = left >= 1
            if who not in self._left and len(self._left) >= _MOST:
                self._left.clear()
            self._left[who] = (left - 1 if is_allowed else left, now)
        return is_allowed
