# SPDX-License-Identifier: Apache-2.0
"""What agents may ask and tell; the counterpart of :mod:`minicloud.rpc.network_agent`."""

from __future__ import annotations

import oslo_messaging as messaging
from oslo_log import log as logging

from minicloud import exception as errors
from minicloud.builtin.network.db import agents, ports, routers
from minicloud.builtin.network.hosts import dhcp_ports, placement
from minicloud.builtin.network.hosts.state import HostView
from minicloud.builtin.network.manager import segments
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.context import RequestContext
from minicloud.objects.host_network import HostState
from minicloud.rpc.base import expected
from minicloud.rpc.network_agent import HostNetworkStub
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

_ANSWERS = expected(errors.MinicloudError)
_EVENTS = {"ACTIVE": "network-vif-plugged", "DOWN": "network-vif-unplugged"}


class HostNetworkEndpoint:
    """The agents' endpoint on topic ``network``."""

    target = messaging.Target(version="1.0")
    STUB = HostNetworkStub

    def __init__(self, core: Core) -> None:
        self._core = core

    @_ANSWERS
    def host_state(self, ctxt: RequestContext, host: str) -> HostState:
        """Read it; what the service itself has to make first is made, and then all is read anew."""
        with self._core.reading(ctxt) as unit:
            view = HostView(unit, host)
            unmet, without = view.unmet(), view.without_segment()
            if not unmet and not without:
                return view.state()
        self._core.run(ctxt, lambda unit: self._complete(unit, host))
        with self._core.reading(ctxt) as unit:
            return HostView(unit, host).state()

    def _complete(self, unit: Unit, host: str) -> None:
        view = HostView(unit, host)
        unmet, without = view.unmet(), view.without_segment()
        # Another host may be the one that waits for it; this one is told at once.
        unit.is_quiet = not unmet and not without
        for network in without:
            segments.give(unit, network)
        for key in unmet:
            dhcp_ports.ensure(unit, key, host)

    @_ANSWERS
    def report_ports(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None:
        def work(unit: Unit) -> None:
            unit.is_quiet = True
            changed = [key for key, status in statuses.items() if ports.set_status(unit.conn, key, host, status)]
            for port in ports.ports.among(unit.conn, "id", changed):
                unit.tell(_EVENTS[port.status], port)

        self._core.run(ctxt, work)

    @_ANSWERS
    def report_routers(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None:
        def work(unit: Unit) -> None:
            unit.is_quiet = True
            for key, status in statuses.items():
                routers.set_status(unit.conn, key, status)

        LOG.debug("Host %s reports %d routers and floating addresses", host, len(statuses))
        self._core.run(ctxt, work)

    @_ANSWERS
    def report_agent(self, ctxt: RequestContext, host: str, tunnel_ip: str, problems: dict[str, str]) -> None:
        def work(unit: Unit) -> None:
            known = agents.find(unit.conn, host=host)
            lives = known is not None and placement.alive([known], unit.core.conf.service_down_time)
            # The others have a new peer, and perhaps one router less.
            unit.is_quiet = bool(lives) and known is not None and known.tunnel_ip == tunnel_ip
            agents.report(unit.conn, host, tunnel_ip, problems, None if lives else now())

        self._core.run(ctxt, work)
