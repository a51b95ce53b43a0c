# SPDX-License-Identifier: Apache-2.0
"""Hosts that start with their scheduler: who asks before they are there waits for them.

A cloud answers as soon as its API does. A hypervisor may need seconds longer, and a server that somebody asks for in
between is not to be told that there are no hosts.
"""

from __future__ import annotations

import threading
import time

from oslo_log import log as logging

from minicloud.scheduler.host_view import HostView

LOG = logging.getLogger(__name__)

#: Seconds between two looks.
_PACE = 0.2


class Arrival:
    """Of the first host after a scheduler's start."""

    def __init__(self, view: HostView, seconds: float, stopping: threading.Event) -> None:
        """
        :param seconds: after which nobody waits any more, hosts or not
        :param stopping: set when the scheduler ends
        """
        self._view = view
        self._deadline = time.monotonic() + seconds
        self._stopping = stopping
        self._is_over = False

    def wait(self) -> bool:
        """Until a host is alive, be it disabled or not; at once after that has been so.

        :returns: False when the scheduler ends meanwhile
        """
        while not self._is_over and time.monotonic() < self._deadline and not self._view.any_alive():
            LOG.debug("Waiting for the first host")
            if self._stopping.wait(_PACE):
                return False
            self._view.refresh()
        self._is_over = True
        return True
