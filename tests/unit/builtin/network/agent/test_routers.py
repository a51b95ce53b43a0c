# SPDX-License-Identifier: Apache-2.0
"""What routers are made of, as text and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import testtools

from minicloud.builtin.network.agent.dhcp.config import Files
from minicloud.builtin.network.agent.routers import advertise, announce, outside, part, routes, ruleset
from minicloud.objects.host_network import (
    HostAddress,
    HostFloatingIp,
    HostNetwork,
    HostPort,
    HostRoute,
    HostRouter,
    HostState,
    HostSubnet,
)

MAC = "fa:16:3e:00:00:01"
PUBLIC = HostSubnet(id="public", ip_version=4, cidr="172.24.4.0/24", gateway_ip="172.24.4.1")
INSIDE = HostSubnet(id="inside", ip_version=4, cidr="10.0.0.0/24", gateway_ip="10.0.0.1")
SLAAC = HostSubnet(id="slaac", ip_version=6, cidr="fd00::/64", gateway_ip="fd00::1", ipv6_ra_mode="slaac")
NETWORKS = (
    HostNetwork(id="external-net", name="public", is_external=True, subnets=(PUBLIC,)),
    HostNetwork(id="internal-net", name="inside", mtu=1450, subnets=(INSIDE, SLAAC)),
)
FLOATING = HostFloatingIp(id="f", address="172.24.4.9", fixed_address="10.0.0.7", port_id="p")


def port(key: str, network: str, *addresses: tuple[HostSubnet, str]) -> HostPort:
    held = tuple(
        HostAddress(subnet_id=subnet.id, address=text, prefix=int(subnet.cidr.partition("/")[2]))
        for subnet, text in addresses
    )
    return HostPort(id=key, network_id=network, mac_address=MAC, addresses=held)


def router(**more: Any) -> HostRouter:
    values: dict[str, Any] = {
        "id": "router",
        "interfaces": (port("aaa", "internal-net", (INSIDE, "10.0.0.1"), (SLAAC, "fd00::1")),),
        "gateway": port("ggg", "external-net", (PUBLIC, "172.24.4.2")),
    }
    return HostRouter(**(values | more))


STATE = HostState(host="here", networks=NETWORKS)


class TestRuleset(testtools.TestCase):
    def lines(self, of: HostRouter) -> list[str]:
        return [line for lines in ruleset.table(of).chains.values() for line in lines if " policy " not in line]

    def test_a_floating_address_leads_in_out_and_back(self) -> None:
        back = 'oifname != "mciggg" ct status dnat ip saddr { 10.0.0.0/24 }'
        expected = [
            "dnat to ip daddr map { 172.24.4.9 : 10.0.0.7 }",
            'oifname "mciggg" snat to ip saddr map { 10.0.0.7 : 172.24.4.9 }',
            'oifname "mciggg" snat to 172.24.4.2',
            f"{back} snat to ip saddr map {{ 10.0.0.7 : 172.24.4.9 }}",
            f"{back} snat to 172.24.4.2",
            "ct status dnat ct original ip daddr . ct reply ip saddr != { 172.24.4.9 . 10.0.0.7 } drop",
            "ct status snat ct reply ip daddr != 172.24.4.2 "
            "ct original ip saddr . ct reply ip daddr != { 10.0.0.7 . 172.24.4.9 } drop",
        ]
        self.assertEqual(expected, self.lines(router(floating_ips=(FLOATING,))))

    def test_without_snat_only_floating_addresses_are_translated(self) -> None:
        found = self.lines(router(enable_snat=False))
        self.assertFalse([line for line in found if "snat to" in line])

    def test_without_a_gateway_there_is_nothing_to_translate(self) -> None:
        self.assertEqual({}, ruleset.table(router(gateway=None)).chains)

    def test_what_is_no_address_never_becomes_a_rule(self) -> None:
        hostile = HostFloatingIp(id="f", address="1.2.3.4 }; flush ruleset", fixed_address="10.0.0.7", port_id="p")
        self.assertRaises(ValueError, ruleset.table, router(floating_ips=(hostile,)))


class TestRoutes(testtools.TestCase):
    def test_by_default_outside(self) -> None:
        self.assertEqual({"0.0.0.0/0": "172.24.4.1"}, routes.wanted(router(), STATE))

    def test_the_owners_word_goes_first(self) -> None:
        own = (
            HostRoute(destination="0.0.0.0/0", nexthop="10.0.0.9"),
            HostRoute(destination="fd09::/16", nexthop="fd00::9"),
        )
        self.assertEqual({"0.0.0.0/0": "10.0.0.9", "fd09::/16": "fd00::9"}, routes.wanted(router(routes=own), STATE))

    def test_only_what_differs_is_touched(self) -> None:
        have = {"0.0.0.0/0": "172.24.4.1", "10.1.0.0/16": "10.0.0.8", "10.2.0.0/16": "10.0.0.8"}
        want = {"0.0.0.0/0": "172.24.4.1", "10.1.0.0/16": "10.0.0.9"}
        expected = [
            ("route", "delete", "10.2.0.0/16", "proto", "static"),
            ("route", "replace", "10.1.0.0/16", "via", "10.0.0.9", "proto", "static"),
        ]
        self.assertEqual(expected, routes.commands(have, want))
        self.assertEqual([], routes.commands(want, want))


class TestPart(testtools.TestCase):
    def test_the_gateway_answers_for_floating_addresses(self) -> None:
        one = router(floating_ips=(FLOATING,))
        assert one.gateway is not None
        self.assertEqual(["172.24.4.2/24", "172.24.4.9/32"], part.addresses(one.gateway, one))
        self.assertEqual(["10.0.0.1/24", "fd00::1/64"], part.addresses(one.interfaces[0], one))

    def test_an_announcement_claims_an_address_for_all(self) -> None:
        octets = bytes.fromhex(MAC.replace(":", ""))
        found = announce.frame(octets, b"\xac\x18\x04\x09", 1)
        self.assertEqual(42, len(found))
        self.assertEqual(b"\xff" * 6 + octets + b"\x08\x06", found[:14])
        self.assertEqual(found[28:32], found[38:42])


class TestAdvertise(testtools.TestCase):
    FILES = Files(folder=Path("/run/x"))

    def test_a_subnet_with_a_mode_is_advertised(self) -> None:
        found = (advertise.text(router(), STATE, self.FILES) or "").splitlines()
        for line in ("interface=mciaaa", "ra-param=mciaaa,mtu:1450,60,1800", "dhcp-range=fd00::,ra-only,64", "port=0"):
            self.assertIn(line, found)

    def test_nothing_to_advertise(self) -> None:
        self.assertIsNone(advertise.text(router(interfaces=()), STATE, self.FILES))


class TestOutside(testtools.TestCase):
    def test_masquerading_leaves_alone_what_stays_in_our_bridges(self) -> None:
        table = outside.table([NETWORKS[0]])
        assert table is not None
        expected = 'oifname != "mc*" ip saddr 172.24.4.0/24 ip daddr != 172.24.4.0/24 masquerade'
        self.assertEqual(expected, table.chains["postrouting"][-1])
        self.assertIsNone(outside.table([]))
