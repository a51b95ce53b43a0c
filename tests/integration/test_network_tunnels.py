# SPDX-License-Identifier: Apache-2.0
"""Two hosts, each a network namespace with an agent of its own, and VXLAN between them."""

from __future__ import annotations

import json
import threading
from uuid import uuid4

from minicloud import conf as configuration
from minicloud import context
from minicloud.builtin.network.agent.agent import Agent
from minicloud.builtin.network.agent.devices import Watcher
from minicloud.builtin.network.agent.links.bridges import Bridges
from minicloud.builtin.network.agent.links.tunnels import Tunnels
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.subnets import SubnetManager
from minicloud.rpc.network_agent import HostNetworkStub
from tests.fixtures.namespaces import enter, run
from tests.integration.agent_suite import AgentTest

ADDRESS = {"h1": "198.51.100.1", "h2": "198.51.100.2"}


class Tunnelled(AgentTest):
    """The hosts are namespaces ``h1`` and ``h2`` with a cable between; a guest is a device pair within its host's."""

    def start_agent(self) -> None:
        """Not one of this namespace, but one of each host."""
        run("ip", "netns", "add", "h1")
        run("ip", "netns", "add", "h2")
        run("ip", "link", "add", "eth0", "netns", "h1", "type", "veth", "peer", "name", "eth0", "netns", "h2")
        for host, address in ADDRESS.items():
            run("ip", "address", "add", f"{address}/24", "dev", "eth0", namespace=host)
            for device in ("lo", "eth0"):
                run("ip", "link", "set", device, "up", namespace=host)
        self.agents = {host: self.host_agent(host) for host in ADDRESS}

    def host_agent(self, host: str) -> Agent:
        conf = configuration.new(files=[])
        conf.set_override("tunnel_ip", ADDRESS[host], group="network")
        stub = HostNetworkStub(self.transport)
        stub.report_agent(context.admin(), host, ADDRESS[host], {})
        return Agent(host, stub, (Bridges(conf), Tunnels(conf)), Watcher(lambda: None))

    def reconcile(self) -> None:
        """A pass on each host, in a thread that is in its namespace."""
        for host, agent in self.agents.items():
            went: list[bool] = []

            def work(host: str = host, agent: Agent = agent, went: list[bool] = went) -> None:
                enter(host)
                went.append(agent.reconcile())

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            self.assertEqual([True], went, agent.problems)

    def new_network(self) -> str:
        network = self.make(NetworkManager(), name="net")
        self.make(SubnetManager(), network_id=network.id, cidr="10.0.0.0/24", ip_version=4)
        return str(network.id)

    def guest_on(self, host: str, network: str) -> tuple[str, str]:
        """
        :returns: its namespace and its address
        """
        vif = self.allocate(network, host)
        name, address = f"g-{uuid4().hex[:8]}", vif.fixed_ips[0].address
        run("ip", "netns", "add", name)
        run("ip", "link", "add", vif.devname, "netns", host, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", "eth0", "address", vif.mac_address, "mtu", str(vif.mtu), "up", namespace=name)
        run("ip", "address", "add", f"{address}/24", "dev", "eth0", namespace=name)
        return name, address

    def reaches(self, guest: str, address: str, *options: str) -> bool:
        return "bytes from" in run("ping", "-c", "1", "-W", "2", *options, address, namespace=guest, check=False)

    def test_networks_with_the_same_addresses_span_hosts_and_stay_apart(self) -> None:
        red, blue = self.new_network(), self.new_network()
        guests = {name: [self.guest_on(host, net) for host in ADDRESS] for name, net in (("red", red), ("blue", blue))}
        self.reconcile()
        self.reconcile()  # by now each has heard of the other's part
        for (one, here), (two, there) in guests.values():
            self.assertTrue(self.reaches(one, there))
            self.assertTrue(self.reaches(two, here))
            # The whole MTU passes, and is not cut into pieces.
            self.assertTrue(self.reaches(one, there, "-M", "do", "-s", str(1450 - 28)))
        alone, address = self.guest_on("h1", self.new_network())
        self.reconcile()
        self.assertFalse(self.reaches(alone, guests["red"][1][1]))
        self.assertTrue(address)

    def test_every_address_is_told_and_none_learnt(self) -> None:
        red = self.new_network()
        self.guest_on("h1", red)
        guest, _address = self.guest_on("h2", red)
        self.reconcile()
        self.reconcile()
        mac = json.loads(run("ip", "-j", "link", "show", "eth0", namespace=guest))[0]["address"]
        device = f"mcx{red[:11]}"
        found = json.loads(run("bridge", "-j", "fdb", "show", "dev", device, namespace="h1"))
        entries = {(each["mac"], each["dst"]) for each in found if "dst" in each}
        self.assertIn((mac, ADDRESS["h2"]), entries)
        self.assertIn(("00:00:00:00:00:00", ADDRESS["h2"]), entries)
        before = run("ip", "-d", "link", "show", device, namespace="h1")
        self.assertIn("nolearning", before)
        self.reconcile()
        self.assertEqual(before, run("ip", "-d", "link", "show", device, namespace="h1"))
