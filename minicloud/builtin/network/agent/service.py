# SPDX-License-Identifier: Apache-2.0
"""The agent of one host as a service: it reconciles, hears of changes, and shows that it lives."""

from __future__ import annotations

from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg
from oslo_log import log as logging

from minicloud import context, exception
from minicloud.builtin.network.agent import parts
from minicloud.builtin.network.agent.agent import Agent
from minicloud.builtin.network.agent.devices import Watcher
from minicloud.builtin.network.agent.lock import Lock
from minicloud.context import RequestContext
from minicloud.periodic import Periodic, Task
from minicloud.rpc.base import Server
from minicloud.rpc.network_agent import HostNetworkStub, NetworkAgentStub

LOG = logging.getLogger(__name__)


class AgentEndpoint:
    """What the network service tells agents."""

    target = messaging.Target(version="1.0")
    STUB = NetworkAgentStub

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def changed(self, ctxt: RequestContext) -> None:
        self._agent.trigger()


class NetworkAgentService:
    """``minicloud-network-agent``."""

    def __init__(self, conf: cfg.ConfigOpts, host: str, transport: Any, *, periodic: Periodic | None = None) -> None:
        """
        :param transport: the one that the network service listens on
        :param periodic: the clock of the process; default one of its own
        """
        self._conf = conf
        self._stub = HostNetworkStub(transport)
        self._watcher = Watcher(self._on_devices)
        resync = float(conf.network.agent_resync_interval)
        self.agent = Agent(host, self._stub, parts.make(conf), self._watcher, resync=resync)
        self._server = Server(transport, NetworkAgentStub.TOPIC, host, [AgentEndpoint(self.agent)], workers=1)
        self._own_periodic = Periodic(1) if periodic is None else None
        self._periodic = periodic or self._own_periodic
        self._tasks: list[Task] = []
        self._lock: Lock | None = None

    def start(self) -> None:
        """Listen, watch, and begin; a network service that is not there yet is waited for.

        :raises ConfigurationError: when another agent works on this machine
        """
        self._lock = Lock(self._conf)
        self._watcher.start()
        self._server.start()
        self.report()
        self.agent.start()
        assert self._periodic is not None
        name = f"heartbeat of the network agent of {self.agent.host}"
        self._tasks = [self._periodic.add(name, self._conf.report_interval, self.report)]

    def report(self) -> None:
        """One heartbeat."""
        try:
            self._stub.report_agent(
                context.admin(), self.agent.host, self._conf.network.tunnel_ip or "", self.agent.problems
            )
        except exception.ServiceUnavailable as error:
            LOG.warning("Network agent of %s does not reach the network service: %s", self.agent.host, error)

    def stop(self) -> None:
        """End; all that guests need stays on the host."""
        for task in self._tasks:
            task.cancel()
        if self._own_periodic is not None:
            self._own_periodic.stop()
        self._server.stop()
        self._watcher.stop()
        self.agent.stop()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def wait(self) -> None:
        """Nothing runs on after :meth:`stop`."""

    def reset(self) -> None:
        """Options have been read again: look at everything once more."""
        self.agent.trigger()

    def _on_devices(self) -> None:
        self.agent.trigger()
