# SPDX-License-Identifier: Apache-2.0
"""Guests reach the metadata service by the namespace of their network's DHCP server, which has 169.254.169.254.

Nothing is left on the host by this part: its sockets are the process's, and a new process makes them anew.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from oslo_config import cfg

from minicloud.builtin.network.agent.metadata import sockets
from minicloud.builtin.network.agent.metadata.proxy import Proxy
from minicloud.builtin.network.agent.metadata.upstream import Guest, Upstream
from minicloud.builtin.network.agent.part import Part
from minicloud.objects.host_network import HostNetwork, HostPort, HostState


class Namespaces(Protocol):
    """Where it listens; :mod:`.sockets` is the real one."""

    def identity(self, namespace: str) -> sockets.Identity | None: ...

    def listen(self, namespace: str) -> socket.socket: ...


class _Real:
    identity: Callable[[str], sockets.Identity | None] = staticmethod(sockets.identity)
    listen: Callable[[str], socket.socket] = staticmethod(sockets.listen)


class Metadata(Part):
    """A listener for each network whose DHCP server is on this host."""

    name = "metadata"

    def __init__(self, conf: cfg.ConfigOpts, namespaces: Namespaces | None = None) -> None:
        self._namespaces: Namespaces = namespaces or _Real()
        self._proxy = Proxy(Upstream(conf).ask, conf.metadata.proxy_rate_limit)
        #: Network -> the namespace that is listened in.
        self._open: dict[str, sockets.Identity] = {}

    def apply(self, state: HostState) -> None:
        served = {network.id: network for network in state.networks if network.dhcp_port is not None}
        self._proxy.know({network.id: guests(network) for network in served.values()})
        for network_id in set(self._open) - set(served):
            self._close(network_id)
        problems = []
        for network in served.values():
            try:
                self._listen(network)
            except OSError as error:
                problems.append(f"network {network.id}: {error}")
        if problems:
            raise OSError("; ".join(problems))

    def clean(self) -> None:
        for network_id in list(self._open):
            self._close(network_id)

    def stop(self) -> None:
        self._open.clear()
        self._proxy.stop()

    def _listen(self, network: HostNetwork) -> None:
        there = self._namespaces.identity(network.dhcp_namespace)
        if there is not None and there == self._open.get(network.id):
            return
        # A namespace that went keeps living for as long as our socket is in it.
        self._close(network.id)
        if there is None:
            raise FileNotFoundError(f"there is no namespace {network.dhcp_namespace}")
        self._proxy.add(network.id, self._namespaces.listen(network.dhcp_namespace))
        self._open[network.id] = there

    def _close(self, network_id: str) -> None:
        if self._open.pop(network_id, None) is not None:
            self._proxy.remove(network_id)


def guests(network: HostNetwork) -> dict[str, Guest]:
    """Address -> the server that has it."""
    return {
        fixed.address: Guest(port.device_id, port.project_id, fixed.address)
        for port in network.ports
        if _is_guest(port)
        for fixed in port.addresses
    }


def _is_guest(port: HostPort) -> bool:
    """What is bound to a host is a server's; of another port anybody may say that it is."""
    return bool(port.host) and port.device_owner.startswith("compute:")
