# SPDX-License-Identifier: Apache-2.0
"""A network service and an agent that makes its networks real, with guests that are only namespaces."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import testtools

from minicloud import conf as configuration
from minicloud import context
from minicloud.builtin.network.agent import agent as agents
from minicloud.builtin.network.agent import parts
from minicloud.builtin.network.agent.service import NetworkAgentService
from minicloud.builtin.network.db import MIGRATIONS
from minicloud.builtin.network.service import NetworkService
from minicloud.context import RequestContext
from minicloud.db import migrate
from minicloud.db.session import Database
from minicloud.objects import NetworkRequest, PortOwner, ResourceEvent, Vif
from minicloud.rpc.base import get_transport
from minicloud.rpc.network import NetworkStub
from tests.fixtures import dhcpv6
from tests.fixtures.namespaces import IS_REQUIRED, PrivateNetwork, lacking, run

PROJECT = "project"
HOST = "host1"

#: What udhcpc calls with what it was given: it keeps it, and sets the interface up.
_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
env > {answer}
ip address replace "$ip/$mask" dev "$interface"
[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
set -- $staticroutes
while [ "$#" -gt 1 ]; do
    ip route replace "$1" via "$2" dev "$interface"
    shift 2
done
"""


class Guest:
    """A namespace with one interface that is plugged into the host as a compute driver would."""

    def __init__(self, vif: Vif, folder: Path) -> None:
        self.vif = vif
        self.namespace = f"guest-{vif.port_id[:8]}"
        self._folder = folder

    def plug(self) -> None:
        name, bridge = self.vif.devname, str(self.vif.bridge)
        run("ip", "netns", "add", self.namespace)
        run("ip", "link", "set", "lo", "up", namespace=self.namespace)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        self.run("ip", "link", "set", "eth0", "address", self.vif.mac_address)
        self.run("ip", "link", "set", "eth0", "up")
        # Whoever comes first makes it; the agent may be the one, at this very moment.
        run("ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", check=False)
        run("ip", "link", "set", bridge, "up")
        run("ip", "link", "set", name, "master", bridge)
        run("ip", "link", "set", name, "up")

    def unplug(self) -> None:
        run("ip", "link", "delete", self.vif.devname)
        run("ip", "netns", "delete", self.namespace)

    def run(self, *argv: str, check: bool = True) -> str:
        return run(*argv, namespace=self.namespace, check=check)

    def ask(self) -> dict[str, str]:
        """Ask for an address, take it, and say all that was answered, by udhcpc's names."""
        answer = self._folder / f"{self.namespace}.env"
        script = self._folder / f"{self.namespace}.sh"
        script.write_text(_SCRIPT.format(answer=answer))
        script.chmod(0o755)
        self.run("busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "10", "-T", "1", "-s", str(script),
                 "-O", "mtu", "-O", "staticroutes", "-O", "domain", "-O", "dns", "-O", "router")  # fmt: skip
        return dict(line.partition("=")[::2] for line in answer.read_text().splitlines())

    def ask6(self, *words: str) -> dict[str, Any]:
        """What DHCPv6 answers; see :mod:`tests.fixtures.dhcpv6`."""
        found: dict[str, Any] = json.loads(self.run(sys.executable, dhcpv6.__file__, "eth0", *words))
        return found

    def reaches(self, address: str) -> bool:
        return "bytes from" in self.run("ping", "-c", "1", "-W", "2", "-i", "0.2", address, check=False)


def links() -> dict[str, Any]:
    return {each["ifname"]: each for each in json.loads(run("ip", "-j", "-d", "link", "show"))}


class AgentTest(testtools.TestCase):
    """Has ``self.network`` (the stub that compute uses), ``self.make`` and ``self.agent``."""

    def setUp(self) -> None:
        super().setUp()
        if reason := lacking():
            self.assertFalse(IS_REQUIRED, reason)
            self.skipTest(reason)
        self.folder = self.useFixture(PrivateNetwork()).folder
        self.events: list[ResourceEvent] = []
        self.conf = self.configuration()
        self.db = Database(f"sqlite:///{self.folder}/network.sqlite")
        self.addCleanup(self.db.dispose)
        migrate.sync(self.db, MIGRATIONS)
        self.transport = get_transport(self.conf)
        self.addCleanup(self.transport.cleanup)
        self.service = NetworkService(self.conf, self.db, self._notify, self.transport)
        self.service.start()
        self.addCleanup(self.service.stop)
        self.network = NetworkStub(self.transport)
        self.ctxt = RequestContext(project_id=PROJECT, roles=["admin", "member", "reader"], overwrite=False)
        self.start_agent()

    def start_agent(self) -> None:
        self.agent = self.new_agent()

    def configuration(self) -> Any:
        conf = configuration.new(files=[])
        conf.set_override("host", HOST)
        conf.set_override("transport_url", f"local:///{uuid4()}")
        conf.set_override("driver", "agent.AgentDriver", group="network")
        conf.set_override("runtime_dir", f"{self.folder}/run", group="network")
        # dnsmasq must be able to read what is below it.
        self.folder.chmod(0o755)
        return conf

    def new_agent(self) -> NetworkAgentService:
        agent = NetworkAgentService(self.conf, HOST, self.transport)
        agent.start()
        self.addCleanup(self._remove, agent)
        return agent

    def _remove(self, agent: NetworkAgentService) -> None:
        agent.stop()
        self.assertEqual([], agents.clean(parts.make(self.conf)))

    def _notify(self, _ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        self.events += events

    # --- the books -----------------------------------------------------------------------------

    def core(self) -> Any:
        return self.service.endpoint._ports.core

    def make(self, manager: Any, **values: Any) -> Any:
        """A resource, by its manager."""
        return self.core().run(self.ctxt, lambda unit: manager.create(unit, {"project_id": PROJECT, **values}))

    def allocate(self, network_id: str, host: str = HOST) -> Vif:
        """A port for a new server."""
        request = NetworkRequest(network_id=network_id)
        owner = PortOwner(project_id=PROJECT, uuid=str(uuid4()), hostname="vm", host=host)
        (vif,) = self.network.allocate(context.admin(), owner, [request], [])
        return vif

    def guest(self, network_id: str) -> Guest:
        """A new server that is plugged in."""
        guest = Guest(self.allocate(network_id), self.folder)
        guest.plug()
        return guest

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
        """Wait for something to be so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.05)
        self.fail(f"not within {seconds} s: {what} (problems: {self.agent.agent.problems})")
