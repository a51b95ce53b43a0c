# SPDX-License-Identifier: Apache-2.0
"""What the built-in network service and its agents on hosts say to each other."""

from __future__ import annotations

from typing import cast

from minicloud.context import RequestContext
from minicloud.objects.host_network import HostState
from minicloud.rpc.base import Stub


class HostNetworkStub(Stub):
    """From an agent to the service."""

    TOPIC = "network"
    VERSION = "1.0"

    def host_state(self, ctxt: RequestContext, host: str) -> HostState:
        """All that is to be true of networks on a host."""
        return cast(HostState, self.call(ctxt, "host_state", host=host))

    def report_ports(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None:
        """Which ports of a host are up.

        :param statuses: port -> ACTIVE or DOWN; a port that is bound elsewhere by now is passed over
        """
        self.call(ctxt, "report_ports", host=host, statuses=statuses)

    def report_routers(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None:
        """How the routers of a host are, and the floating addresses that they carry.

        :param statuses: router or floating address -> ACTIVE or ERROR
        """
        self.call(ctxt, "report_routers", host=host, statuses=statuses)

    def report_agent(self, ctxt: RequestContext, host: str, tunnel_ip: str, problems: dict[str, str]) -> None:
        """A heartbeat.

        :param tunnel_ip: where the host's tunnels end; "": it has none
        :param problems: part of the agent -> what is wrong with it
        """
        self.call(ctxt, "report_agent", host=host, tunnel_ip=tunnel_ip, problems=problems)


class NetworkAgentStub(Stub):
    """From the service to the agents."""

    TOPIC = "network_agent"
    VERSION = "1.0"

    def changed(self, ctxt: RequestContext) -> None:
        """Something is to be otherwise: every agent asks for its state again."""
        self.cast(ctxt, "changed", fanout=True)
