# SPDX-License-Identifier: Apache-2.0
"""The driver for real hosts: an agent on each makes what the books say, and says when a port is up."""

from __future__ import annotations

from typing import ClassVar

from oslo_log import log as logging

from minicloud.builtin.network.drivers.base import NetworkDriver
from minicloud.builtin.network.entities import Port
from minicloud.context import RequestContext

LOG = logging.getLogger(__name__)


class AgentDriver(NetworkDriver):
    """Linux bridges and VXLAN, by :mod:`minicloud.builtin.network.agent`.

    Agents ask for all that concerns their host whenever something changed, so that one kind of message is enough
    and a lost one does no lasting harm.
    """

    vif_type: ClassVar[str] = "bridge"
    bound_status: ClassVar[str] = "DOWN"
    network_type: ClassVar[str] = "vxlan"
    #: Ethernet, IPv4, UDP and VXLAN: 14 + 20 + 8 + 8.
    overhead: ClassVar[int] = 50

    def plug(self, port: Port) -> None:
        """The host's agent learns of it by :meth:`changed`."""

    def unplug(self, port: Port) -> None:
        """The host's agent learns of it by :meth:`changed`."""

    def changed(self, ctxt: RequestContext) -> None:
        try:
            self._announce(ctxt)
        except Exception as error:  # agents also look by themselves now and then
            LOG.warning("Could not tell the network agents of a change: %s", error)
