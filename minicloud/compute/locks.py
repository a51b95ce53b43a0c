# SPDX-License-Identifier: Apache-2.0
"""One lock per instance, which a delete may interrupt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    #: Threads that hold the lock or wait for it.
    users: int = 0
    #: Of these, those that interrupt everybody else.
    interrupters: int = 0
    #: Of whoever holds the lock now and may be interrupted.
    cancelled: threading.Event | None = None


class InstanceLocks:
    """The locks of one host's instances."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._closed = False

    @contextmanager
    def hold(self, uuid: str, purpose: str, *, interrupting: bool = False) -> Iterator[threading.Event]:
        """Be the only one at work on an instance.

        :param purpose: for the log
        :param interrupting: ask whoever holds the lock to give up; who comes later is asked at once
        :returns: an event that is set when this holder is asked to give up
        """
        cancelled = threading.Event()
        entry = self._join(uuid, interrupting)
        try:
            with entry.lock:
                LOG.debug("%s begins [instance: %s]", purpose, uuid)
                with self._guard:
                    if not interrupting:
                        entry.cancelled = cancelled
                    if self._closed or (entry.interrupters and not interrupting):
                        cancelled.set()
                try:
                    yield cancelled
                finally:
                    entry.cancelled = None
        finally:
            self._leave(uuid, entry, interrupting)

    def interrupt_all(self) -> None:
        """The host stops: ask every holder, present and future, to give up."""
        with self._guard:
            self._closed = True
            for entry in self._entries.values():
                if entry.cancelled is not None:
                    entry.cancelled.set()

    def _join(self, uuid: str, interrupting: bool) -> _Entry:
        with self._guard:
            entry = self._entries.setdefault(uuid, _Entry())
            entry.users += 1
            if interrupting:
                entry.interrupters += 1
                if entry.cancelled is not None:
                    entry.cancelled.set()
            return entry

    def _leave(self, uuid: str, entry: _Entry, interrupting: bool) -> None:
        with self._guard:
            entry.users -= 1
            entry.interrupters -= interrupting
            if not entry.users:
                del self._entries[uuid]
