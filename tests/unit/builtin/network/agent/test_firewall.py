# SPDX-License-Identifier: Apache-2.0
"""The firewall's rules as text."""

from __future__ import annotations

from typing import Any

import testtools

from minicloud.builtin.network.agent import nftables
from minicloud.builtin.network.agent.firewall import numbers, rules, ruleset, spoofing
from minicloud.objects.host_network import (
    AddressPair,
    HostAddress,
    HostNetwork,
    HostPort,
    HostRule,
    HostSecurityGroup,
    HostState,
)

PORT = "11111111-aaaa-4aaa-8aaa-000000000001"
OPEN = "22222222-aaaa-4aaa-8aaa-000000000002"
NET = "33333333-aaaa-4aaa-8aaa-000000000003"
GROUP = "44444444-aaaa-4aaa-8aaa-000000000004"
MAC = "fa:16:3e:00:00:01"


def rule(direction: str = "ingress", ethertype: str = "IPv4", **more: Any) -> HostRule:
    return HostRule(id="rule", direction=direction, ethertype=ethertype, **more)


def port(**more: Any) -> HostPort:
    address = HostAddress(subnet_id="subnet", address="10.0.0.5", prefix=24)
    values: dict[str, Any] = {"id": PORT, "network_id": NET, "mac_address": MAC, "addresses": (address,)}
    return HostPort(**(values | {"security_groups": (GROUP,)} | more))


def state(*ports: HostPort, **more: Any) -> HostState:
    group = HostSecurityGroup(id=GROUP, rules=(rule("egress"), rule(remote_group_id=GROUP)))
    values: dict[str, Any] = {"security_groups": (group,), "members": {GROUP: ("10.0.0.5", "fd00::5")}}
    return HostState(host="here", networks=(HostNetwork(id=NET, name="net"),), ports=ports, **(values | more))


GOLDEN = """\
table bridge minicloud
delete table bridge minicloud
table bridge minicloud {
	chain spoof_NUMBER {
		ether saddr != { MAC } drop
		ether type != { ip, arp, ip6 } drop
		ether type arp arp saddr ether . arp saddr ip != { MAC . 10.0.0.5, MAC . 0.0.0.0 } drop
		ip saddr 0.0.0.0 udp sport 68 udp dport 67 return
		udp sport 67 udp dport 68 drop
		udp sport 547 udp dport 546 drop
		icmpv6 type { 134, 137 } drop
		ether type ip ether saddr . ip saddr != { MAC . 10.0.0.5 } drop
		ip6 saddr :: icmpv6 type { 133, 135, 143 } return
		icmpv6 type 136 @th,64,128 != { 0xfe80000000000000f8163efffe000001 } drop
		ether type ip6 ether saddr . ip6 saddr != { MAC . fe80::f816:3eff:fe00:1 } drop
	}
	chain to_NUMBER {
		ether type != { ip, arp, ip6 } drop
		meta mark set meta mark or TO
	}
	chain classify {
		meta mark set 0
		meta mark set iifname map { "tap11111111-aa" : FROM }
		oifname vmap { "tap11111111-aa" : jump to_NUMBER }
	}
	chain prerouting {
		type filter hook prerouting priority -300; policy accept;
		iifname vmap { "tap11111111-aa" : jump spoof_NUMBER }
	}
	chain forward {
		type filter hook forward priority -200; policy accept;
		iifname "mc*" goto classify
		iifname { "tap11111111-aa", "tap22222222-aa" } goto classify
		oifname { "tap11111111-aa", "tap22222222-aa" } goto classify
	}
	chain input {
		type filter hook input priority -200; policy accept;
		iifname { "tap11111111-aa", "tap22222222-aa" } drop
	}
	chain output {
		type filter hook output priority -200; policy accept;
		oifname { "tap11111111-aa", "tap22222222-aa" } drop
	}
	chain DIGEST {
	}
}
table inet minicloud
delete table inet minicloud
table inet minicloud {
	set members4_44444444aaaa4aaa8aaa000000000004 {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.5 }
	}
	chain from_NUMBER {
		ct direction reply ct state established return
		ct state related return
		ct state invalid drop
		meta nfproto ipv4 udp sport 68 udp dport 67 return
		meta nfproto ipv6 udp sport 546 udp dport 547 return
		icmpv6 type { 131, 132, 133, 135, 136, 143 } return
		meta nfproto ipv4 return
		drop
	}
	chain to_NUMBER {
		ct direction reply ct state established return
		ct state related return
		ct state invalid drop
		meta nfproto ipv4 udp sport 67 udp dport 68 return
		meta nfproto ipv6 udp sport 547 udp dport 546 return
		icmpv6 type { 130, 131, 132, 134, 135, 136, 143 } return
		ip saddr @members4_44444444aaaa4aaa8aaa000000000004 return
		drop
	}
	chain bridged {
		meta mark and 0xffff0000 vmap { FROM : jump from_NUMBER }
		meta mark and 0x0000ffff vmap { TO : jump to_NUMBER }
		meta mark set 0
	}
	chain forward {
		type filter hook forward priority -10; policy accept;
		iifname { "mcb33333333-aa" } goto bridged
	}
	chain zones {
		type filter hook prerouting priority -300; policy accept;
		ct zone set iifname map { "mcb33333333-aa" : ZONE }
	}
	chain DIGEST {
	}
}
"""


class TestRuleset(testtools.TestCase):
    maxDiff = None

    def test_one_guarded_port_and_one_that_is_not(self) -> None:
        opened = port(id=OPEN, mac_address="fa:16:3e:00:00:02", port_security_enabled=False, security_groups=())
        tables = ruleset.tables(state(port(), opened))
        mark = numbers.assign([PORT])[PORT]
        words = {"NUMBER": str(mark), "FROM": hex(mark << 16), "TO": hex(mark), "ZONE": str(numbers.assign([NET])[NET]),
                 "MAC": MAC, "DIGEST": nftables._digest(tables)}  # fmt: skip
        expected = GOLDEN
        for word, value in words.items():
            expected = expected.replace(word, value)
        self.assertEqual(expected, nftables.text(tables))

    def test_the_order_of_what_is_told_makes_no_difference(self) -> None:
        one, two = port(), port(id=OPEN, mac_address="fa:16:3e:00:00:02")
        self.assertEqual(ruleset.tables(state(one, two)), ruleset.tables(state(two, one)))

    def test_a_group_that_is_not_told_of_opens_nothing(self) -> None:
        frames, connections = ruleset.tables(state(port(), security_groups=()))
        mark = numbers.assign([PORT])[PORT]
        self.assertEqual(("drop",), connections.chains[f"to_{mark}"][6:])
        self.assertIn(f"spoof_{mark}", frames.chains)

    def test_groups_without_state_know_no_connections(self) -> None:
        group = HostSecurityGroup(id=GROUP, stateful=False, rules=(rule("egress"),))
        _frames, connections = ruleset.tables(state(port(), security_groups=(group,)))
        mark = numbers.assign([PORT])[PORT]
        self.assertFalse([line for line in connections.chains[f"to_{mark}"] if line.startswith("ct ")])

    def test_what_is_no_address_never_becomes_a_rule(self) -> None:
        for hostile in ("10.0.0.1 } accept; }", "::1/0; flush ruleset", 'x"'):
            pair = (AddressPair(ip_address=hostile, mac_address=MAC),)
            self.assertRaises(ValueError, ruleset.tables, state(port(allowed_address_pairs=pair)))
            self.assertRaises(ValueError, ruleset.tables, state(port(mac_address=hostile)))
            self.assertRaises(ValueError, rules.match, rule(remote_ip_prefix=hostile))
            self.assertRaises(ValueError, rules.match, rule(protocol=hostile))
            self.assertRaises(ValueError, ruleset.tables, state(port(id=hostile)))


class TestRules(testtools.TestCase):
    CASES = (
        (rule(), "meta nfproto ipv4 return"),
        (rule("egress", "IPv6"), "meta nfproto ipv6 return"),
        (rule(remote_ip_prefix="0.0.0.0/0"), "meta nfproto ipv4 return"),
        (rule(remote_ip_prefix="192.0.2.7/32"), "ip saddr 192.0.2.7 return"),
        (rule("egress", remote_ip_prefix="192.0.2.0/24"), "ip daddr 192.0.2.0/24 return"),
        (rule("egress", "IPv6", remote_ip_prefix="fd00::/8"), "ip6 daddr fd00::/8 return"),
        (rule(protocol="tcp"), "meta nfproto ipv4 meta l4proto 6 return"),
        (rule(protocol="47"), "meta nfproto ipv4 meta l4proto 47 return"),
        (rule(protocol="ip"), "meta nfproto ipv4 return"),
        (rule(protocol="udp", port_range_min=53, port_range_max=53),
         "meta nfproto ipv4 meta l4proto 17 th dport 53 return"),
        (rule(protocol="6", port_range_min=1, port_range_max=9),
         "meta nfproto ipv4 meta l4proto 6 th dport 1-9 return"),
        (rule(protocol="icmp", port_range_min=8), "meta nfproto ipv4 meta l4proto 1 icmp type 8 return"),
        (rule(protocol="icmp", port_range_min=3, port_range_max=0),
         "meta nfproto ipv4 meta l4proto 1 icmp type 3 icmp code 0 return"),
        (rule(ethertype="IPv6", protocol="icmp", port_range_min=128),
         "meta nfproto ipv6 meta l4proto 58 icmpv6 type 128 return"),
        (rule(ethertype="IPv6", remote_group_id=GROUP), "ip6 saddr @members6_44444444aaaa4aaa8aaa000000000004 return"),
    )  # fmt: skip

    def test_matches(self) -> None:
        for given, expected in self.CASES:
            self.assertEqual(expected, rules.match(given))

    def test_ranges_within_others_are_left_out(self) -> None:
        found = rules.member_sets([rule(remote_group_id=GROUP)], {GROUP: ("10.0.0.5", "10.0.0.0/24", "fd00::1")})
        self.assertEqual(["elements = { 10.0.0.0/24 }"], [lines[-1] for lines in found.values()])
        empty = rules.member_sets([rule(remote_group_id=GROUP)], {})
        self.assertEqual([("type ipv4_addr", "flags interval")], list(empty.values()))


class TestSpoofing(testtools.TestCase):
    def test_an_address_of_ones_own_on_the_link(self) -> None:
        self.assertEqual("fe80::f816:3eff:fe00:1", str(spoofing.link_local(MAC)))

    def test_pairs_may_be_wide(self) -> None:
        pairs = (AddressPair(ip_address="0.0.0.0/0", mac_address=MAC), AddressPair(ip_address="::/0", mac_address=""))
        lines = spoofing.chain(port(allowed_address_pairs=pairs))
        self.assertIn(f"ether type arp arp saddr ether . arp saddr ip != {{ {MAC} . 0.0.0.0/0 }} drop", lines)
        self.assertFalse([line for line in lines if "type 136" in line])

    def test_a_port_without_addresses_sends_only_what_gets_it_one(self) -> None:
        lines = spoofing.chain(port(addresses=()))
        self.assertIn("ether type ip drop", lines)


class TestNumbers(testtools.TestCase):
    def test_numbers_stay_when_others_come(self) -> None:
        few, many = numbers.assign(["a", "b"]), numbers.assign(["a", "b", "c", "d"])
        self.assertEqual(few, {key: many[key] for key in few})

    def test_every_id_has_one_of_its_own(self) -> None:
        found = numbers.assign(str(each) for each in range(60000))
        self.assertEqual(60000, len(set(found.values())))
        self.assertTrue(min(found.values()) >= 1 and max(found.values()) <= 65535)
        self.assertRaises(ValueError, numbers.assign, map(str, range(65536)))
