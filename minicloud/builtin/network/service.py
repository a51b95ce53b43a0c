# SPDX-License-Identifier: Apache-2.0
"""The part of the network service that answers by RPC."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

from minicloud.builtin.network.drivers.loader import load_driver
from minicloud.builtin.network.hosts.endpoint import HostNetworkEndpoint
from minicloud.builtin.network.manager.core import Core, Notifier
from minicloud.builtin.network.rpc_endpoint import NetworkEndpoint
from minicloud.db.session import Database
from minicloud.rpc.base import Server, get_transport
from minicloud.rpc.network import NetworkStub
from minicloud.rpc.network_agent import NetworkAgentStub


class NetworkService:
    """Serves topic ``network``."""

    def __init__(self, conf: cfg.ConfigOpts, db: Database, notifier: Notifier, transport: Any = None) -> None:
        """
        :param db: the network database, migrated
        :param transport: oslo_messaging.Transport; default the top level's
        """
        transport = transport if transport is not None else get_transport(conf)
        core = Core(conf, db, notifier, load_driver(conf, NetworkAgentStub(transport).changed))
        self.endpoint = NetworkEndpoint(core)
        endpoints = [self.endpoint, HostNetworkEndpoint(core)]
        self._server = Server(transport, NetworkStub.TOPIC, conf.host, endpoints)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def wait(self) -> None:
        """Nothing runs on after :meth:`stop`."""
