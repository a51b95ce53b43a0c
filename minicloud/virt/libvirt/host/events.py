# SPDX-License-Identifier: Apache-2.0
"""Hearing from libvirt: one thread for its event loop, one for telling others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import libvirt
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_loop_lock = threading.Lock()
_loop_runs = False


def ensure_loop() -> None:
    """Start libvirt's event loop, which is one for the process; must come before the first connection."""
    global _loop_runs
    with _loop_lock:
        if _loop_runs:
            return
        libvirt.virEventRegisterDefaultImpl()
        # By default every error is printed to stderr, also those that are expected.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        threading.Thread(target=_run_loop, name="libvirt-events", daemon=True).start()
        _loop_runs = True


def _run_loop() -> None:
    while True:
        if libvirt.virEventRunDefaultImpl() < 0:
            LOG.warning("libvirt's event loop had an error")


class Teller:
    """Tells one listener of guests that have changed, in a thread of its own.

    libvirt's callbacks come in its event loop, where a call to libvirt would wait for itself.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._changed: Callable[[str], None] | None = None
        self._thread: threading.Thread | None = None

    def start(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="libvirt-teller", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Nobody is told after this."""
        thread, self._thread, self._changed = self._thread, None, None
        if thread is not None:
            self._queue.put(None)
            if thread is not threading.current_thread():
                thread.join(timeout=10)

    def tell(self, uuid: str) -> None:
        if self._changed is not None:
            self._queue.put(uuid)

    def watch(self, conn: libvirt.virConnect) -> None:
        """Hear of all starts, stops, crashes and pauses on a connection, for as long as it lives."""
        with suppress(libvirt.libvirtError):  # a hypervisor without events is asked now and then by the power sync
            conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None)

    def _on_lifecycle(self, _conn: Any, domain: Any, _event: int, _detail: int, _opaque: object) -> None:
        self.tell(domain.UUIDString())

    def _run(self) -> None:
        while (uuid := self._queue.get()) is not None:
            changed = self._changed
            if changed is None:
                return
            try:
                changed(uuid)
            except Exception:
                LOG.exception("Could not tell of a change [instance: %s]", uuid)
