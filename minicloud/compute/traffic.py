# SPDX-License-Identifier: Apache-2.0
"""Live migrations that leave a host: so many at a time, and each can be aborted, waiting or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds between two looks at whether a waiting migration is still wanted.
_PACE = 0.2


class Traffic:
    """Of one host."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._going = 0
        self._aborts: dict[str, threading.Event] = {}

    @contextmanager
    def listed(self, migration_uuid: str) -> Iterator[threading.Event]:
        """
        :returns: an event that is set by :meth:`abort`
        """
        event = self._aborts.setdefault(migration_uuid, threading.Event())
        try:
            yield event
        finally:
            self._aborts.pop(migration_uuid, None)

    @contextmanager
    def turn(self, limit: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait until fewer than so many are on their way.

        :param limit: 0: any number
        :param check: raises when nobody wants to wait any more
        """
        with self._changed:
            while limit and self._going >= limit:
                check()
                self._changed.wait(_PACE)
            check()
            self._going += 1
        try:
            yield
        finally:
            with self._changed:
                self._going -= 1
                self._changed.notify_all()

    def abort(self, migration_uuid: str) -> bool:
        """Whether it was there."""
        event = self._aborts.get(migration_uuid)
        if event is not None:
            event.set()
        return event is not None
