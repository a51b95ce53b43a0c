# SPDX-License-Identifier: Apache-2.0
"""Routers in a real kernel: guests are namespaces, the test's thread is the host."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import testtools
from oslo_config import cfg

from minicloud.builtin.network.agent.firewall.part import Firewall
from minicloud.builtin.network.agent.links.silence import Silence
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.builtin.network.agent.routers.outside import Outside
from minicloud.builtin.network.agent.routers.part import Routers
from minicloud.conf import network as options
from minicloud.objects.host_network import (
    HostAddress,
    HostFloatingIp,
    HostNetwork,
    HostPort,
    HostRoute,
    HostRouter,
    HostRule,
    HostSecurityGroup,
    HostState,
    HostSubnet,
)
from tests.fixtures import network_host
from tests.fixtures.network_host import SHORT

FLOATING = "172.24.4.50"


def subnet(cidr: str, gateway: str, **more: Any) -> HostSubnet:
    return HostSubnet(id=str(uuid4()), ip_version=6 if ":" in cidr else 4, cidr=cidr, gateway_ip=gateway, **more)


def address(of: HostSubnet, text: str) -> HostAddress:
    return HostAddress(subnet_id=of.id, address=text, prefix=int(of.cidr.partition("/")[2]))


def tcp(port: int, **more: Any) -> HostRule:
    limits = {"protocol": "tcp", "port_range_min": port, "port_range_max": port}
    return HostRule(id=str(uuid4()), direction="ingress", ethertype="IPv4", **limits, **more)


OUT = tuple(HostRule(id=str(uuid4()), direction="egress", ethertype=family) for family in ("IPv4", "IPv6"))


def configuration(folder: str, **values: Any) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    # By name: the group as an object would carry values from one configuration to the next.
    conf.register_opts(options.OPTS, group=options.GROUP.name)
    conf([], default_config_files=[])
    for name, value in {"runtime_dir": folder, **values}.items():
        conf.set_override(name, value, group="network")
    return conf


class RouterCase(testtools.TestCase):
    """A public network, two private ones, a guest in each, and a router between them."""

    def setUp(self) -> None:
        super().setUp()
        network_host.require_root(self)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = str(Path(folder.name) / "run")
        self.host = network_host.Host(self)
        self.outside = subnet("172.24.4.0/24", "172.24.4.1")
        self.public = self.network(self.outside, is_external=True, physical_network="public")
        self.inner = subnet("192.168.1.0/24", "192.168.1.1")
        self.inner6 = subnet("fd01::/64", "fd01::1", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        self.private = self.network(self.inner, self.inner6)
        self.other = subnet("192.168.2.0/24", "192.168.2.1")
        self.other6 = subnet("fd02::/64", "fd02::1")
        self.second = self.network(self.other, self.other6)
        self.group = HostSecurityGroup(id=str(uuid4()), rules=(*OUT, tcp(80)))
        self.one, self.a = self.guest(self.private, 1, self.inner, "192.168.1.7", self.inner6, "fd01::7")
        self.two, self.b = self.guest(self.second, 2, self.other, "192.168.2.7", self.other6, "fd02::7")
        self.router = HostRouter(
            id=str(uuid4()),
            interfaces=(
                self.port(self.private, 11, address(self.inner, "192.168.1.1")),
                self.port(self.private, 12, address(self.inner6, "fd01::1")),
                self.port(self.second, 13, address(self.other, "192.168.2.1"), address(self.other6, "fd02::1")),
            ),
            gateway=self.port(self.public, 14, address(self.outside, "172.24.4.10")),
            floating_ips=(self.floating(FLOATING, "192.168.1.7"),),
        )
        self.parts: list[Part] = []
        self.use()
        self.addCleanup(self.clean)

    def use(self, **values: Any) -> None:
        conf = configuration(self.folder, **values)
        self.parts = [Silence(conf), Firewall(conf), Routers(conf), Outside(conf)]

    def clean(self) -> None:
        for part in reversed(self.parts):
            part.clean()

    # --- what there is -------------------------------------------------------------------------

    def network(self, *subnets: HostSubnet, **more: Any) -> HostNetwork:
        made = HostNetwork(id=str(uuid4()), name="net", subnets=subnets, **more)
        self.host.bridge(made.bridge)
        return made

    def port(self, network: HostNetwork, number: int, *addresses: HostAddress, **more: Any) -> HostPort:
        mac = f"fa:16:3e:00:01:{number:02x}"
        values = {"port_security_enabled": False, **more}
        return HostPort(id=str(uuid4()), network_id=network.id, mac_address=mac, addresses=addresses, **values)

    def guest(
        self, network: HostNetwork, number: int, of: HostSubnet, text: str, of6: HostSubnet, text6: str
    ) -> tuple[HostPort, network_host.Guest]:
        secured = {"port_security_enabled": True, "security_groups": (self.group.id,)}
        port = self.port(network, number, address(of, text), address(of6, text6), **secured)
        held = [f"{each.address}/{each.prefix}" for each in port.addresses]
        guest = self.host.guest(network.bridge, port.devname, port.mac_address, held)
        guest.run("ip", "route", "add", "default", "via", str(of.gateway_ip))
        guest.run("ip", "-6", "route", "add", "default", "via", str(of6.gateway_ip))
        return port, guest

    def floating(self, outer: str, inner: str) -> HostFloatingIp:
        return HostFloatingIp(id=str(uuid4()), address=outer, fixed_address=inner, port_id=self.one.id)

    def state(self, router: HostRouter | None, group: HostSecurityGroup | None = None) -> HostState:
        return HostState(
            host="here",
            networks=(self.public, self.private, self.second),
            ports=(self.one, self.two),
            security_groups=(group or self.group,),
            routers=(router,) if router else (),
        )

    def apply(self, state: HostState) -> None:
        for part in self.parts:
            part.apply(state)

    def change(self, **changes: Any) -> HostRouter:
        return msgspec.structs.replace(self.router, **changes)


def reaches(text: str, port: int, patience: float = network_host.PATIENCE) -> bool:
    with socket.socket() as client:
        return network_host.connects(client, text, port, patience)


class TestRouters(RouterCase):
    def test_the_host_reaches_a_floating_address_once_a_rule_allows_it(self) -> None:
        self.a.listen(self, 80)
        self.a.listen(self, 81)
        self.apply(self.state(self.router))
        self.assertTrue(reaches(FLOATING, 80))
        self.assertFalse(reaches(FLOATING, 81, SHORT))
        opened = msgspec.structs.replace(
            self.group, rules=(*self.group.rules, tcp(81, remote_ip_prefix="172.24.4.1/32"))
        )
        self.apply(self.state(self.router, opened))
        self.assertTrue(reaches(FLOATING, 81))

    def test_who_has_a_floating_address_is_seen_by_it_and_others_by_the_routers(self) -> None:
        self.apply(self.state(self.router))
        server = socket.create_server(("172.24.4.1", 5000))
        self.addCleanup(server.close)
        server.settimeout(2)
        seen = []
        for guest in (self.a, self.b):
            self.assertTrue(guest.reaches("172.24.4.1", 5000))
            connection, (source, _port) = server.accept()
            connection.close()
            seen.append(source)
        self.assertEqual([FLOATING, "172.24.4.10"], seen)

    def test_without_snat_the_router_hides_nobody(self) -> None:
        self.apply(self.state(self.change(enable_snat=False)))
        self.assertFalse(self.b.pings("172.24.4.1", patience=1))
        network_host.run("ip", "route", "add", "192.168.2.0/24", "via", "172.24.4.10")
        self.assertTrue(self.b.pings("172.24.4.1"))
        self.assertTrue(self.a.pings("172.24.4.1"))

    def test_networks_of_one_router_meet_in_both_families(self) -> None:
        self.b.listen(self, 80)
        self.apply(self.state(self.router))
        self.assertTrue(self.a.reaches("192.168.2.7", 80))
        self.assertFalse(self.a.pings("192.168.2.7", patience=1))
        self.assertTrue(self.a.pings("fd02::1"))
        self.assertFalse(self.a.pings("fd02::7", patience=1))
        ping = HostRule(id=str(uuid4()), direction="ingress", ethertype="IPv6", protocol="ipv6-icmp")
        opened = msgspec.structs.replace(self.group, rules=(*self.group.rules, ping))
        self.apply(self.state(self.router, opened))
        self.assertTrue(self.a.pings("fd02::7"))

    def test_guests_meet_by_floating_addresses_too(self) -> None:
        """Also one its own."""
        self.a.listen(self, 80)
        self.apply(self.state(self.router))
        self.assertTrue(self.b.reaches(FLOATING, 80))

    def test_a_floating_address_taken_away_ends_its_connections(self) -> None:
        server = self.a.listen(self, 80)
        self.apply(self.state(self.router))
        with socket.socket() as client:
            self.assertTrue(network_host.connects(client, FLOATING, 80))
            served, _address = server.accept()
            self.addCleanup(served.close)
            served.settimeout(0.5)
            client.sendall(b"before")
            self.assertEqual(b"before", served.recv(16))
            self.apply(self.state(self.change(floating_ips=())))
            client.sendall(b"after")
            self.assertRaises(TimeoutError, served.recv, 16)
        self.assertFalse(reaches(FLOATING, 80, SHORT))

    def test_a_floating_address_moves_to_another_guest(self) -> None:
        self.b.listen(self, 80)
        self.apply(self.state(self.router))
        self.assertFalse(reaches(FLOATING, 80, SHORT))
        self.apply(self.state(self.change(floating_ips=(self.floating(FLOATING, "192.168.2.7"),))))
        self.assertTrue(reaches(FLOATING, 80))

    def test_neighbours_that_remember_another_are_told(self) -> None:
        self.apply(self.state(self.change(floating_ips=())))
        leg = self.public.host_leg
        network_host.run(
            "ip", "neighbour", "replace", FLOATING, "lladdr", "02:00:00:00:00:99", "dev", leg, "nud", "stale"
        )
        self.a.listen(self, 80)
        self.apply(self.state(self.router))
        assert self.router.gateway is not None
        self.assertIn(self.router.gateway.mac_address, network_host.run("ip", "neighbour", "show", FLOATING))
        self.assertTrue(reaches(FLOATING, 80))

    def test_routes_of_its_owner_come_and_go(self) -> None:
        self.apply(self.state(self.change(routes=(HostRoute(destination="10.99.0.0/16", nexthop="192.168.2.7"),))))
        self.b.run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
        routes = network_host.run("ip", "route", namespace=self.router.namespace)
        self.assertIn("10.99.0.0/16 via 192.168.2.7", routes)
        self.assertIn("default via 172.24.4.1", routes)
        self.apply(self.state(self.router))
        routes = network_host.run("ip", "route", namespace=self.router.namespace)
        self.assertNotIn("10.99.0.0/16", routes)
        self.assertIn("default via 172.24.4.1", routes)

    def test_a_router_that_is_down_is_away(self) -> None:
        self.a.listen(self, 80)
        self.apply(self.state(self.router))
        self.assertTrue(reaches(FLOATING, 80))
        self.apply(self.state(self.change(admin_state_up=False)))
        self.assertFalse(reaches(FLOATING, 80, SHORT))
        self.assertNotIn("mco", network_host.run("ip", "link"))

    def test_a_second_pass_changes_nothing_and_a_broken_router_is_mended(self) -> None:
        self.apply(self.state(self.router))
        space = self.router.namespace
        handles = network_host.run("nft", "--handle", "list", "ruleset", namespace=space)
        links = network_host.addresses(space)
        self.use()
        self.apply(self.state(self.router))
        self.assertEqual(handles, network_host.run("nft", "--handle", "list", "ruleset", namespace=space))
        self.assertEqual(links, network_host.addresses(space))
        network_host.run("nft", "flush", "ruleset", namespace=space)
        network_host.run("ip", "link", "delete", self.router.interfaces[0].outer)
        self.apply(self.state(self.router))
        self.a.listen(self, 80)
        self.assertTrue(reaches(FLOATING, 80))

    def test_guests_hear_advertisements_of_the_router(self) -> None:
        network_host.require_root(self, "dnsmasq")
        self.a.run("sysctl", "-q", "-w", "net.ipv6.conf.eth0.accept_ra=2")
        self.a.run("ip", "-6", "route", "delete", "default")
        self.apply(self.state(self.router))
        self.assertTrue(self.parts[2].is_well())
        self.a.run("ip", "link", "set", "eth0", "down")
        self.a.run("ip", "link", "set", "eth0", "up")
        heard = network_host.wait(lambda: "proto ra" in self.a.run("ip", "-6", "route", "show", "default"), 10)
        self.assertTrue(heard, self.a.run("ip", "-6", "route"))


class TestOutside(RouterCase):
    def test_guests_reach_the_world_only_if_that_is_wanted(self) -> None:
        network_host.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "world")
        world = network_host.Guest(f"mct-world-{uuid4().hex[:8]}")
        network_host.run("ip", "netns", "add", world.namespace)
        self.addCleanup(network_host.run, "ip", "netns", "delete", world.namespace)
        network_host.run("ip", "link", "set", "world", "netns", world.namespace)
        network_host.run("ip", "address", "add", "198.51.100.1/24", "dev", "uplink")
        network_host.run("ip", "link", "set", "uplink", "up")
        world.run("ip", "address", "add", "198.51.100.2/24", "dev", "world")
        world.run("ip", "link", "set", "world", "up")
        self.apply(self.state(self.router))
        network_host.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
        self.assertFalse(self.a.pings("198.51.100.2", patience=1))
        self.use(masquerade_public=True)
        error = self.assertRaises(CommandFailed, self.apply, self.state(self.router))
        self.assertIn("net.ipv4.ip_forward=1", str(error))
        network_host.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self.apply(self.state(self.router))
        self.assertTrue(self.a.pings("198.51.100.2"))
        self.assertTrue(self.b.pings("198.51.100.2"))
        self.use()
        self.apply(self.state(self.router))
        self.assertFalse(self.b.pings("198.51.100.2", patience=1))

    def test_clean_leaves_the_host_as_it_was(self) -> None:
        """Also what a process that is gone has made."""
        Silence(configuration(self.folder)).apply(self.state(None))  # it goes with the bridges, which are the test's
        before, spaces = self.host.picture(), network_host.run("ip", "netns", "list")
        self.use(masquerade_public=True)
        network_host.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self.apply(self.state(self.router))
        self.assertNotEqual(before, self.host.picture())
        self.use()
        self.clean()
        self.assertEqual(before, self.host.picture())
        self.assertEqual(names(spaces), names(network_host.run("ip", "netns", "list")))
        self.assertFalse(Path(self.folder, "routers").exists())
        self.clean()

    def test_a_router_that_is_gone_leaves_nothing(self) -> None:
        self.apply(self.state(None))
        before, spaces = self.host.picture(), network_host.run("ip", "netns", "list")
        self.apply(self.state(self.router))
        self.apply(self.state(None))
        self.assertEqual(before, self.host.picture())
        self.assertEqual(names(spaces), names(network_host.run("ip", "netns", "list")))


def names(listed: str) -> set[str]:
    """Other tests may run meanwhile, so only routers count."""
    return {line.split()[0] for line in listed.splitlines() if line.startswith("mcrouter")}
