# SPDX-License-Identifier: Apache-2.0
"""The driver that keeps books only: nothing is plugged, and every bound port is active."""

from __future__ import annotations

from minicloud.builtin.network.drivers.base import NetworkDriver
from minicloud.builtin.network.entities import Port


class BooksDriver(NetworkDriver):
    """For hypervisors that bring their own network, and for those that only pretend."""

    def plug(self, port: Port) -> None:
        """The books say it all."""

    def unplug(self, port: Port) -> None:
        """The books say it all."""
