# SPDX-License-Identifier: Apache-2.0
"""The connection to libvirt: opened when it is needed, and anew after libvirtd was restarted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.virt.libvirt.host import errors, events

LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: A daemon that does not answer for this many seconds, so many times, is gone.
_KEEPALIVE_SECONDS = 5
_KEEPALIVE_TIMES = 6

#: Tries to connect while the daemon is away, and seconds between two of them.
_TRIES = 10
_PAUSE = 0.5


class Connection:
    """To one libvirt; thread-safe."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        #: Called with every new connection, and told whether there was one before.
        self.on_connect: Callable[[libvirt.virConnect, bool], None] = lambda conn, again: None
        self._lock = threading.Lock()
        self._conn: Any = None
        self._closing = threading.Event()
        self._had_one = False
        #: The last try that was in vain: when it ended, and how.
        self._failed_at = 0.0
        self._failure = ""

    @property
    def ailment(self) -> str | None:
        """Why nothing can be asked just now."""
        conn = self._conn
        if conn is not None and conn.isAlive():
            return None
        return self._failure or f"the connection to libvirt at {self.uri} is lost"

    def get(self) -> libvirt.virConnect:
        """
        :raises HypervisorAway: when libvirt cannot be reached
        """
        conn = self._conn
        if conn is not None and conn.isAlive():
            return conn
        began = time.monotonic()
        with self._lock:
            if self._conn is not None and self._conn.isAlive():
                return self._conn
            # Many may wait here; they learn from the first, lest each waits for as long as all before it.
            if self._failed_at < began:
                self._drop()
                self._try()
            if self._conn is None:
                raise exception.HypervisorAway(reason=self._failure)
            return self._conn

    def _try(self) -> None:
        try:
            self._conn = self._open()
            self._failure = ""
        except libvirt.libvirtError as error:
            self._failure = f"libvirt is not reachable at {self.uri}: {errors.reason(error)}"
            self._failed_at = time.monotonic()

    def call(self, work: Callable[[libvirt.virConnect], T]) -> T:
        """Something that may be done twice: it is, when the connection turns out to be lost."""
        conn = self.get()
        try:
            return work(conn)
        except libvirt.libvirtError:
            if conn.isAlive():
                raise
        return work(self.get())

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            self._drop()

    def reopen(self) -> None:
        """Allow connections again after :meth:`close`."""
        self._closing.clear()

    def _open(self) -> libvirt.virConnect:
        events.ensure_loop()
        for left in reversed(range(_TRIES)):
            try:
                conn = libvirt.open(self.uri)
                break
            except libvirt.libvirtError:
                if not left or self._closing.wait(_PAUSE):
                    raise
        with suppress(libvirt.libvirtError):  # in-process drivers have neither
            conn.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_TIMES)
            conn.registerCloseCallback(self._on_close, None)
        again, self._had_one = self._had_one, True
        LOG.info("Connected to libvirt at %s", self.uri)
        self.on_connect(conn, again)
        return conn

    def _on_close(self, _conn: Any, cause: int, _opaque: object) -> None:
        """In libvirt's event loop: only begin what is to be done."""
        if self._closing.is_set():
            return
        LOG.warning("The connection to libvirt is lost (%s); guests go on", cause)
        threading.Thread(target=self._return, name="libvirt-reconnect", daemon=True).start()

    def _return(self) -> None:
        """Connect again when libvirt is back, so that events are heard although nobody asks for anything."""
        while not self._closing.wait(_PAUSE):
            try:
                self.get()
                return
            except exception.VirtError as error:
                LOG.info("%s", error)

    def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(libvirt.libvirtError):
                conn.unregisterCloseCallback()
            with suppress(libvirt.libvirtError):
                conn.close()
