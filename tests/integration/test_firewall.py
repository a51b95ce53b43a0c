# SPDX-License-Identifier: Apache-2.0
"""Security groups in a real kernel: guests are namespaces, packets are packets."""

from __future__ import annotations

import socket
import struct
from typing import Any
from uuid import uuid4

import testtools
from oslo_config import cfg

from minicloud.builtin.network.agent.firewall import features
from minicloud.builtin.network.agent.firewall.part import Firewall
from minicloud.builtin.network.agent.firewall.passage import Passage
from minicloud.conf import network as options
from minicloud.objects.host_network import (
    AddressPair,
    HostAddress,
    HostNetwork,
    HostPort,
    HostRule,
    HostSecurityGroup,
    HostState,
    HostSubnet,
)
from tests.fixtures import network_host
from tests.fixtures.network_host import SHORT

BROADCAST = "ff:ff:ff:ff:ff:ff"


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def arp(sender_mac: str, sender_ip: str, *, source_mac: str | None = None) -> bytes:
    """A broadcast claim that an address is at a MAC address."""
    head = octets(BROADCAST) + octets(source_mac or sender_mac) + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
    address = socket.inet_aton(sender_ip)
    return head + octets(sender_mac) + address + bytes(6) + address


def udp(source_mac: str, source_ip: str, target_mac: str, target_ip: str, ports: tuple[int, int]) -> bytes:
    """An IPv4 packet with UDP in it; no checksum of UDP's."""
    body = struct.pack("!HHHH", *ports, 8 + 7, 0) + b"forgery"
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0,
                       socket.inet_aton(source_ip), socket.inet_aton(target_ip))  # fmt: skip
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    return octets(target_mac) + octets(source_mac) + b"\x08\x00" + head + body


def rule(direction: str = "ingress", ethertype: str = "IPv4", **more: Any) -> HostRule:
    return HostRule(id=str(uuid4()), direction=direction, ethertype=ethertype, **more)


OUT = (rule("egress"), rule("egress", "IPv6"))


def group(*rules: HostRule) -> HostSecurityGroup:
    return HostSecurityGroup(id=str(uuid4()), rules=(*OUT, *rules))


def network() -> HostNetwork:
    subnets = (
        HostSubnet(id=str(uuid4()), ip_version=4, cidr="10.0.0.0/24"),
        HostSubnet(id=str(uuid4()), ip_version=6, cidr="fd00::/64"),
    )
    return HostNetwork(id=str(uuid4()), name="net", subnets=subnets)


class FirewallCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        network_host.require_root(self)
        self.host = network_host.Host(self)
        self.before = self.host.picture()
        self.assertEqual([], features.missing())
        self.firewall = Firewall(cfg.ConfigOpts())

    def machine(
        self, net: HostNetwork, number: int, groups: tuple[HostSecurityGroup, ...] = (), **more: Any
    ) -> tuple[HostPort, network_host.Guest]:
        """A port on a network, and the guest that has it."""
        values: dict[str, Any] = {
            "id": str(uuid4()),
            "network_id": net.id,
            "mac_address": f"fa:16:3e:00:00:{number:02x}",
            "addresses": (
                HostAddress(subnet_id=net.subnets[0].id, address=f"10.0.0.{number}", prefix=24),
                HostAddress(subnet_id=net.subnets[1].id, address=f"fd00::{number:x}", prefix=64),
            ),
            "security_groups": tuple(each.id for each in groups),
        }
        port = HostPort(**(values | more))
        held = [f"{each.address}/{each.prefix}" for each in port.addresses]
        return port, self.host.guest(net.bridge, port.devname, port.mac_address, held)

    def net(self) -> HostNetwork:
        net = network()
        self.host.bridge(net.bridge)
        return net

    def apply(
        self, nets: list[HostNetwork], ports: list[HostPort], groups: list[HostSecurityGroup], **more: Any
    ) -> None:
        self.firewall.apply(
            HostState(host="here", networks=tuple(nets), ports=tuple(ports), security_groups=tuple(groups), **more)
        )


class TestRules(FirewallCase):
    def test_only_what_a_rule_allows_comes_in(self) -> None:
        net, closed = self.net(), group()
        web = group(rule(protocol="tcp", port_range_min=80, port_range_max=81))
        one, a = self.machine(net, 1, (closed,))
        two, b = self.machine(net, 2, (closed, web))
        for number in (80, 82):
            b.listen(self, number)
        self.apply([net], [one, two], [closed, web])
        self.assertTrue(a.reaches("10.0.0.2", 80))
        self.assertFalse(a.reaches("10.0.0.2", 82, SHORT))
        self.assertFalse(a.pings("10.0.0.2", patience=1))
        self.assertFalse(b.pings("10.0.0.1", patience=1))
        pinged = HostSecurityGroup(id=closed.id, rules=(*closed.rules, rule(protocol="icmp", port_range_min=8)))
        self.apply([net], [one, two], [pinged, web])
        self.assertTrue(a.pings("10.0.0.2"))

    def test_what_no_rule_lets_out_stays_in(self) -> None:
        net = self.net()
        shut = HostSecurityGroup(
            id=str(uuid4()), rules=(rule("egress", protocol="tcp", port_range_min=80, port_range_max=80),)
        )
        one, a = self.machine(net, 1, (shut,))
        two, b = self.machine(net, 2, port_security_enabled=False)
        for number in (80, 82):
            b.listen(self, number)
        self.apply([net], [one, two], [shut])
        self.assertTrue(a.reaches("10.0.0.2", 80))
        self.assertFalse(a.reaches("10.0.0.2", 82, SHORT))
        self.assertFalse(a.pings("10.0.0.2", patience=1))

    def test_a_port_without_security_is_open_both_ways(self) -> None:
        net = self.net()
        one, a = self.machine(net, 1, port_security_enabled=False)
        two, b = self.machine(net, 2, port_security_enabled=False)
        self.apply([net], [one, two], [])
        self.assertTrue(a.pings("10.0.0.2"))
        a.run("ip", "address", "add", "10.0.0.77/24", "dev", "eth0")
        self.assertTrue(a.pings("10.0.0.2", "-I", "10.0.0.77"))
        self.assertTrue(b.pings("fd00::1"))

    def test_ipv6_needs_a_rule_but_neighbours_are_found(self) -> None:
        net, closed = self.net(), group()
        ping6 = group(rule(ethertype="IPv6", protocol="icmp"))
        one, a = self.machine(net, 1, (closed,))
        two, b = self.machine(net, 2, (ping6,))
        b.listen(self, 80, "::")
        self.apply([net], [one, two], [closed, ping6])
        self.assertTrue(a.pings("fd00::2"))
        self.assertFalse(b.pings("fd00::1", patience=1))
        self.assertFalse(a.reaches("fd00::2", 80, SHORT))
        self.assertIn(two.mac_address, a.run("ip", "-6", "neighbour", "show", "fd00::2"))

    def test_members_of_a_remote_group_come_in_and_others_do_not(self) -> None:
        net, plain = self.net(), group()
        friends = str(uuid4())
        open_to = group(rule(protocol="tcp", remote_group_id=friends), rule(ethertype="IPv6", remote_group_id=friends))
        one, a = self.machine(net, 1, (plain,))
        two, b = self.machine(net, 2, (plain,))
        three, c = self.machine(net, 3, (open_to,))
        c.listen(self, 80, "::")
        members = {friends: ("10.0.0.1", "10.0.0.0/31", "fd00::1")}
        self.apply([net], [one, two, three], [plain, open_to], members=members)
        self.assertTrue(a.reaches("10.0.0.3", 80))
        self.assertTrue(a.reaches("fd00::3", 80))
        self.assertFalse(b.reaches("10.0.0.3", 80, SHORT))
        self.assertFalse(b.reaches("fd00::3", 80, SHORT))
        self.apply([net], [one, two, three], [plain, open_to], members={friends: ("10.0.0.2",)})
        self.assertFalse(a.reaches("10.0.0.3", 80, SHORT))
        self.assertTrue(b.reaches("10.0.0.3", 80))

    def test_a_rule_taken_away_ends_what_it_had_let_in(self) -> None:
        net, closed = self.net(), group()
        web = group(rule(protocol="tcp", port_range_min=80, port_range_max=80))
        one, a = self.machine(net, 1, (closed,))
        two, b = self.machine(net, 2, (web,))
        server = b.listen(self, 80)
        self.apply([net], [one, two], [closed, web])
        client = a.socket()
        self.addCleanup(client.close)
        self.assertTrue(network_host.connects(client, "10.0.0.2", 80))
        served, _address = server.accept()
        self.addCleanup(served.close)
        served.settimeout(1)
        client.sendall(b"before")
        self.assertEqual(b"before", served.recv(16))
        self.apply([net], [one, two], [closed, HostSecurityGroup(id=web.id, rules=OUT)])
        client.sendall(b"after")
        self.assertRaises(TimeoutError, served.recv, 16)
        # What the guest sends does not bring it back either.
        served.sendall(b"still there?")
        self.assertRaises(TimeoutError, served.recv, 16)

    def test_a_change_elsewhere_breaks_no_connection(self) -> None:
        net, closed = self.net(), group()
        web = group(rule(protocol="tcp", port_range_min=80, port_range_max=80))
        one, a = self.machine(net, 1, (closed,))
        two, b = self.machine(net, 2, (web,))
        server = b.listen(self, 80)
        self.apply([net], [one, two], [closed, web])
        client = a.socket()
        self.addCleanup(client.close)
        self.assertTrue(network_host.connects(client, "10.0.0.2", 80))
        served, _address = server.accept()
        self.addCleanup(served.close)
        served.settimeout(1)
        self.apply([net], [one, two], [closed, HostSecurityGroup(id=web.id, rules=(*web.rules, rule(protocol="udp")))])
        served.sendall(b"answer")
        self.assertEqual(b"answer", client.recv(16))
        client.sendall(b"more")
        self.assertEqual(b"more", served.recv(16))

    def test_two_networks_with_the_same_range_know_nothing_of_each_other(self) -> None:
        first, second, closed = self.net(), self.net(), group()
        web = group(rule(protocol="tcp", port_range_min=80, port_range_max=80))
        one, a = self.machine(first, 1, (closed,))
        two, b = self.machine(first, 2, (web,))
        three, c = self.machine(second, 1, (closed,))
        four, d = self.machine(second, 2, (closed,))
        server = b.listen(self, 80)
        d.listen(self, 80)
        self.apply([first, second], [one, two, three, four], [closed, web])
        with a.socket() as client:
            client.bind(("10.0.0.1", 40000))
            self.assertTrue(network_host.connects(client, "10.0.0.2", 80))
            server.accept()[0].close()
            # The very same addresses and ports, in the network where no rule allows them.
            with c.socket() as other:
                other.bind(("10.0.0.1", 40000))
                self.assertFalse(network_host.connects(other, "10.0.0.2", 80, SHORT))


class TestSpoofing(FirewallCase):
    def setUp(self) -> None:
        super().setUp()
        self.network = self.net()
        self.closed = group()
        self.one, self.a = self.machine(self.network, 1, (self.closed,))
        self.two, self.b = self.machine(self.network, 2, port_security_enabled=False)
        self.apply([self.network], [self.one, self.two], [self.closed])
        self.assertTrue(self.a.pings("10.0.0.2"))
        self.target = self.two.mac_address

    def arrives(self, frame: bytes) -> bool:
        """Whether a frame that A sends reaches B."""
        sender, receiver = self.a.frames(self), self.b.frames(self)
        sender.send(frame)
        try:
            while True:
                if receiver.recv(2048)[: len(frame)] == frame:
                    return True
        except TimeoutError:
            return False

    def test_own_addresses_pass(self) -> None:
        self.assertTrue(self.arrives(udp(self.one.mac_address, "10.0.0.1", self.target, "10.0.0.2", (5, 6))))
        self.assertTrue(self.arrives(arp(self.one.mac_address, "10.0.0.1")))
        self.assertTrue(self.arrives(arp(self.one.mac_address, "0.0.0.0")))

    def test_forged_addresses_do_not(self) -> None:
        mine, other = self.one.mac_address, "fa:16:3e:99:99:99"
        self.assertFalse(self.arrives(udp(mine, "10.0.0.9", self.target, "10.0.0.2", (5, 6))))
        self.assertFalse(self.arrives(udp(other, "10.0.0.1", self.target, "10.0.0.2", (5, 6))))

    def test_forged_claims_in_arp_do_not(self) -> None:
        mine, other = self.one.mac_address, "fa:16:3e:99:99:99"
        self.assertFalse(self.arrives(arp(mine, "10.0.0.254")))
        self.assertFalse(self.arrives(arp(other, "10.0.0.1")))
        self.assertFalse(self.arrives(arp(other, "10.0.0.1", source_mac=mine)))

    def test_a_guest_is_no_dhcp_server(self) -> None:
        self.assertFalse(self.arrives(udp(self.one.mac_address, "10.0.0.1", self.target, "10.0.0.2", (67, 68))))

    def test_a_guest_may_ask_for_an_address(self) -> None:
        frame = udp(self.one.mac_address, "0.0.0.0", BROADCAST, "255.255.255.255", (68, 67))
        self.assertTrue(self.arrives(frame))
        frame = udp(self.one.mac_address, "0.0.0.0", BROADCAST, "255.255.255.255", (69, 67))
        self.assertFalse(self.arrives(frame))

    def test_a_guest_is_no_ipv6_router(self) -> None:
        """Router advertisement and neighbour advertisement for a foreign address."""
        mine = "fd00::1"
        for kind, target, is_let in ((134, mine, False), (136, "fd00::9", False), (136, mine, True)):
            body = struct.pack("!BBHI", kind, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, target)
            addresses = socket.inet_pton(socket.AF_INET6, mine) + socket.inet_pton(socket.AF_INET6, "ff02::1")
            head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + addresses
            frame = octets("33:33:00:00:00:01") + octets(self.one.mac_address) + b"\x86\xdd" + head + body
            total = sum(struct.unpack("!20H", addresses + struct.pack("!II", len(body), 58)))
            total += sum(struct.unpack("!12H", body))
            total = (total & 0xFFFF) + (total >> 16)
            checksum = struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)
            self.assertEqual(is_let, self.arrives(frame[:56] + checksum + frame[58:]), (kind, target))

    def test_frames_that_hide_ip_do_not_pass(self) -> None:
        plain = udp(self.one.mac_address, "10.0.0.1", self.target, "10.0.0.2", (5, 6))
        self.assertFalse(self.arrives(plain[:12] + b"\x81\x00\x00\x05" + plain[12:]))

    def test_allowed_address_pairs_pass(self) -> None:
        other = "fa:16:3e:99:99:99"
        pairs = (
            AddressPair(ip_address="10.9.0.0/24", mac_address=self.one.mac_address),
            AddressPair(ip_address="10.8.0.1", mac_address=other),
        )
        port = HostPort(**{name: getattr(self.one, name) for name in self.one.__struct_fields__}
                        | {"allowed_address_pairs": pairs})  # fmt: skip
        self.apply([self.network], [port, self.two], [self.closed])
        mine = self.one.mac_address
        self.assertTrue(self.arrives(udp(mine, "10.9.0.7", self.target, "10.0.0.2", (5, 6))))
        self.assertTrue(self.arrives(udp(other, "10.8.0.1", self.target, "10.0.0.2", (5, 6))))
        self.assertFalse(self.arrives(udp(mine, "10.8.0.1", self.target, "10.0.0.2", (5, 6))))

    def test_a_guest_does_not_reach_the_host_by_its_bridge(self) -> None:
        bridge = self.network.bridge
        network_host.run("ip", "address", "add", "10.0.0.254/24", "dev", bridge)
        self.assertFalse(self.a.pings("10.0.0.254", patience=1))
        self.assertFalse(self.b.pings("10.0.0.254", patience=1))


class TestTraces(FirewallCase):
    def test_clean_leaves_the_host_as_it_was(self) -> None:
        """Also what a process that is gone has made, and nothing of anybody else's."""
        network_host.run("nft", "add table inet somebody")
        net, closed = self.net(), group()
        one, _a = self.machine(net, 1, (closed,))
        before = self.host.picture()
        self.apply([net], [one], [closed])
        self.assertNotEqual(before, self.host.picture())
        self.assertIn("nf_call_iptables 1", network_host.run("ip", "-d", "link", "show", net.bridge))
        Firewall(cfg.ConfigOpts()).clean()
        self.assertEqual(before, self.host.picture())
        self.assertIn("nf_call_iptables 0", network_host.run("ip", "-d", "link", "show", net.bridge))
        Firewall(cfg.ConfigOpts()).clean()

    def test_a_second_pass_changes_nothing(self) -> None:
        net, closed = self.net(), group()
        one, _a = self.machine(net, 1, (closed,))
        self.apply([net], [one], [closed])
        handles = network_host.run("nft", "--handle", "list", "ruleset")
        Firewall(cfg.ConfigOpts()).apply(
            HostState(host="here", networks=(net,), ports=(one,), security_groups=(closed,))
        )
        self.assertEqual(handles, network_host.run("nft", "--handle", "list", "ruleset"))
        # Somebody flushed all tables: the next pass puts ours back.
        network_host.run("nft", "flush", "ruleset")
        self.apply([net], [one], [closed])
        self.assertIn("spoof_", network_host.run("nft", "list", "ruleset"))

    def test_without_guests_nothing_is_left(self) -> None:
        net, closed = self.net(), group()
        one, _a = self.machine(net, 1, (closed,))
        before = self.host.picture()
        self.apply([net], [one], [closed])
        self.apply([net], [], [])
        self.assertEqual(before, self.host.picture())


class TestPassage(FirewallCase):
    def setUp(self) -> None:
        network_host.require_root(self, "iptables", "ip6tables")
        super().setUp()
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTS, group=options.GROUP.name)
        conf([], default_config_files=[])
        self.passage = Passage(conf)

    def test_a_host_that_drops_all_lets_guests_through(self) -> None:
        """As Docker leaves it; and what it leaves is there again in the end."""
        ping = group(rule(protocol="icmp"))
        net = self.net()
        one, a = self.machine(net, 1, (ping,))
        two, _b = self.machine(net, 2, (ping,))
        for program in ("iptables", "ip6tables"):
            network_host.run(program, "-P", "FORWARD", "DROP")
            network_host.run(program, "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
        self.apply([net], [one, two], [ping])
        self.assertFalse(a.pings("10.0.0.2", patience=1))
        before = network_host.run("iptables", "-S"), network_host.run("ip6tables", "-S")
        state = HostState(host="here", networks=(net,), ports=(one, two), security_groups=(ping,))
        self.passage.apply(state)
        rules = network_host.run("iptables", "-S")
        self.assertTrue(a.pings("10.0.0.2"))
        self.passage.apply(state)
        self.assertEqual(rules, network_host.run("iptables", "-S"))
        self.passage.clean()
        self.assertEqual(before, (network_host.run("iptables", "-S"), network_host.run("ip6tables", "-S")))

    def test_a_host_that_drops_nothing_is_left_alone(self) -> None:
        net = self.net()
        before = self.host.picture()
        self.passage.apply(HostState(host="here", networks=(net,)))
        self.passage.clean()
        self.assertEqual(before, self.host.picture())
