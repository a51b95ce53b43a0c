# SPDX-License-Identifier: Apache-2.0
"""The network agent on this machine's kernel: bridges, DHCP with a real client, ports' status, tidiness."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from minicloud import context
from minicloud.builtin.network.db import addresses, ports
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.subnets import SubnetManager
from minicloud.objects import NetworkRequest, PortOwner
from tests.fixtures.namespaces import run
from tests.integration.agent_suite import HOST, AgentTest, Guest, links


class OneHost(AgentTest):
    def setUp(self) -> None:
        super().setUp()
        self.net = self.make(NetworkManager(), name="inside")
        self.subnet = self.make(SubnetManager(), network_id=self.net.id, cidr="192.0.2.0/24", ip_version=4)

    def status(self, guest: Guest) -> str:
        with self.core().reading(self.ctxt) as unit:
            return str(ports.ports.get(unit.conn, guest.vif.port_id).status)

    def dhcp_address(self) -> str:
        with self.core().reading(self.ctxt) as unit:
            (port,) = [one for one in ports.on_network(unit.conn, self.net.id) if one.device_owner == "network:dhcp"]
            return addresses.of_ports(unit.conn, [port.id])[port.id][0].address

    def test_two_guests_get_their_addresses_and_reach_each_other(self) -> None:
        one, two = self.guest(self.net.id), self.guest(self.net.id)
        answers = [guest.ask() for guest in (one, two)]
        self.assertEqual([guest.vif.fixed_ips[0].address for guest in (one, two)], [each["ip"] for each in answers])
        answer, server = answers[0], self.dhcp_address()
        self.assertEqual("1450", answer["mtu"])
        self.assertEqual("192.0.2.1", answer["router"])
        self.assertEqual(server, answer["dns"])
        self.assertEqual("cloud.local", answer["domain"])
        self.assertIn(f"169.254.169.254/32 {server}", answer["staticroutes"])
        self.assertIn("0.0.0.0/0 192.0.2.1", answer["staticroutes"])
        self.assertTrue(one.reaches(two.vif.fixed_ips[0].address))
        self.assertTrue(one.reaches("169.254.169.254"))

    def test_a_port_is_up_when_its_device_is_there(self) -> None:
        vif = self.allocate(self.net.id)
        self.assertEqual(("bridge", f"mcb{self.net.id[:11]}", False), (vif.vif_type, vif.bridge, vif.active))
        guest = Guest(vif, self.folder)
        self.assertEqual("DOWN", self.status(guest))
        guest.plug()
        self.until(lambda: self.status(guest) == "ACTIVE", "port up")
        self.assertEqual(["network-vif-plugged"], [event.name for event in self.events])
        run("ip", "link", "delete", vif.devname)
        self.until(lambda: self.status(guest) == "DOWN", "port down")
        self.until(lambda: len(self.events) == 2, "second event")
        self.assertEqual(("network-vif-unplugged", vif.port_id), (self.events[1].name, self.events[1].tag))

    def test_names_are_resolved(self) -> None:
        guest = self.guest(self.net.id)
        answer = guest.ask()
        found = guest.run("busybox", "nslookup", "vm.cloud.local", answer["dns"])
        self.assertIn(f"Address: {guest.vif.fixed_ips[0].address}", found)

    def test_what_is_broken_is_mended(self) -> None:
        guest = self.guest(self.net.id)
        pid = self.until(self.pid, "dnsmasq")
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.pid() not in (None, pid), "another dnsmasq")
        run("ip", "link", "set", guest.vif.devname, "nomaster")
        self.until(lambda: links()[guest.vif.devname].get("master") == guest.vif.bridge, "device in its bridge again")
        self.assertEqual(guest.vif.fixed_ips[0].address, guest.ask()["ip"])

    def pid(self) -> int | None:
        path = Path(self.conf.network.runtime_dir) / "dhcp" / self.net.id / "pid"
        try:
            pid = int(path.read_text())
            return pid if b"dnsmasq" in Path(f"/proc/{pid}/cmdline").read_bytes() else None
        except (OSError, ValueError):
            return None

    def test_an_address_that_is_used_again_is_served(self) -> None:
        first = self.guest(self.net.id)
        address = first.ask()["ip"]
        with self.core().reading(self.ctxt) as unit:
            server = ports.ports.get(unit.conn, first.vif.port_id).device_id
        first.unplug()
        self.network.deallocate(self.ctxt, server, [])
        second = Guest(self.allocate_at(address), self.folder)
        second.plug()
        self.until(lambda: self.status(second) == "ACTIVE", "port up")
        self.assertEqual(address, second.ask()["ip"])

    def allocate_at(self, address: str) -> Any:
        request = NetworkRequest(network_id=self.net.id, fixed_ip=address)
        owner = PortOwner(project_id="project", uuid="another-server", hostname="vm2", host=HOST)
        (vif,) = self.network.allocate(context.admin(), owner, [request], [])
        return vif

    def test_a_network_without_guests_leaves_nothing(self) -> None:
        guest = self.guest(self.net.id)
        self.until(lambda: self.status(guest) == "ACTIVE", "port up")
        with self.core().reading(self.ctxt) as unit:
            server = ports.ports.get(unit.conn, guest.vif.port_id).device_id
        guest.unplug()
        self.network.deallocate(self.ctxt, server, [])
        self.until(lambda: not [name for name in links() if name.startswith("mc")], "no device of ours")
        self.until(lambda: not run("ip", "netns", "list"), "no namespace")
        network = self.net
        self.core().run(self.ctxt, lambda unit: NetworkManager().delete(unit, network))

    def test_ipv6_is_announced_where_no_router_does_it(self) -> None:
        values = {"ip_version": 6, "ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
        self.make(SubnetManager(), network_id=self.net.id, cidr="2001:db8:5::/64", **values)
        guest = self.guest(self.net.id)
        (wanted,) = [each.address for each in guest.vif.fixed_ips if each.version == 6]
        # By its MAC address, as the books have it, and with nobody as its router.
        self.until(lambda: wanted in guest.run("ip", "-6", "address", "show", "dev", "eth0"), "an address", 20.0)
        self.assertNotIn("default", guest.run("ip", "-6", "route", "show"))

    def test_the_rest_is_told_by_dhcpv6_where_addresses_are_announced(self) -> None:
        values = {"ip_version": 6, "ipv6_address_mode": "dhcpv6-stateless", "ipv6_ra_mode": "dhcpv6-stateless"}
        self.make(SubnetManager(), network_id=self.net.id, cidr="2001:db8:5::/64", **values)
        guest = self.guest(self.net.id)
        (wanted,) = [each.address for each in guest.vif.fixed_ips if each.version == 6]
        self.until(lambda: wanted in guest.run("ip", "-6", "address", "show", "dev", "eth0"), "an address", 20.0)
        answer = guest.ask6()
        self.assertEqual(([], self.domain), (answer["addresses"], answer["domains"]))
        (server,) = answer["dns"]
        self.assertIn("2001:db8:5:", server)
        self.assertIn(wanted, run("busybox", "nslookup", f"vm.{self.domain}", server, namespace=guest.namespace))

    def test_addresses_are_given_by_dhcpv6(self) -> None:
        values = {"ip_version": 6, "ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
        servers = ["2001:db8::53"]
        self.make(SubnetManager(), network_id=self.net.id, cidr="2001:db8:5::/64", dns_nameservers=servers, **values)
        guest = self.guest(self.net.id)
        wanted = [each.address for each in guest.vif.fixed_ips if each.version == 6]
        answer = guest.ask6("stateful")
        self.assertEqual((wanted, servers), (answer["addresses"], answer["dns"]))

    @property
    def domain(self) -> str:
        return str(self.conf.network.dns_domain).rstrip(".")

    def test_a_restart_changes_nothing(self) -> None:
        guest = self.guest(self.net.id)
        pid = self.until(self.pid, "dnsmasq")
        before = {name: each["ifindex"] for name, each in links().items()}
        self.agent.stop()
        again = self.new_agent()
        self.until(lambda: self.status(guest) == "ACTIVE", "port up")
        self.assertTrue(again.agent.reconcile())
        self.assertEqual(pid, self.pid())
        self.assertEqual(before, {name: each["ifindex"] for name, each in links().items()})
