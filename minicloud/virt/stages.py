# SPDX-License-Identifier: Apache-2.0
"""Where the time of making a guest goes: one line of the log for each, which benchmarks read as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stages:
    """The stages of one guest's making, in the order of their ends; for one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        #: Stage -> seconds, of all its parts.
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """What is done inside belongs to a stage, also when it fails."""
        began = self._clock()
        try:
            yield
        finally:
            self.add(name, self._clock() - began)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def since_start(self, name: str) -> None:
        """A stage from the beginning until now."""
        self.add(name, self._clock() - self._began)

    def __str__(self) -> str:
        """``1.934 s: network 0.021 s, image 0.400 s``; what is in no stage counts in the total."""
        parts = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in self.seconds.items())
        total = f"{self._clock() - self._began:.3f} s"
        return f"{total}: {parts}" if parts else total
