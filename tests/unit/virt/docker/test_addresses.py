# SPDX-License-Identifier: Apache-2.0
"""What an interface is given, from its port."""

from __future__ import annotations

import socket

import testtools

from minicloud.objects import FixedIp, Vif
from minicloud.virt.docker.network.addresses import Address, Route, addresses, routes

V4, V6 = socket.AF_INET, socket.AF_INET6


def vif(*fixed: FixedIp) -> Vif:
    return Vif(port_id="p", network_id="n", network_name="net", mac_address="fa:16:3e:00:00:01", fixed_ips=fixed)


def v4(**more: object) -> FixedIp:
    return FixedIp(address="10.0.0.5", subnet_id="s", prefix=24, gateway="10.0.0.1", **more)


class AddressesTest(testtools.TestCase):
    def test_addresses_have_the_mask_of_their_subnet(self) -> None:
        v6 = FixedIp(address="fd00::5", subnet_id="t", version=6, prefix=64)
        self.assertEqual([Address("10.0.0.5", 24), Address("fd00::5", 64)], addresses(vif(v4(), v6)))

    def test_without_a_subnet_an_address_is_alone(self) -> None:
        found = [FixedIp(address="10.0.0.5", subnet_id="s"), FixedIp(address="fd00::5", subnet_id="t", version=6)]
        self.assertEqual([32, 128], [one.prefix for one in addresses(vif(*found))])
        self.assertEqual([], routes(vif(*found), 0))

    def test_the_gateway_is_the_default_and_the_first_interface_goes_first(self) -> None:
        self.assertEqual([Route(V4, "0.0.0.0/0", "10.0.0.1", 0)], routes(vif(v4()), 0))
        self.assertEqual([Route(V4, "0.0.0.0/0", "10.0.0.1", 200)], routes(vif(v4()), 2))

    def test_two_addresses_of_one_subnet_have_its_routes_once(self) -> None:
        self.assertEqual(1, len(routes(vif(v4(), v4()), 0)))

    def test_a_route_on_the_link_comes_before_those_through_it(self) -> None:
        told = (("10.9.0.0/16", "10.8.0.1"), ("10.8.0.0/24", "0.0.0.0"))
        found = routes(vif(v4(routes=told)), 0)
        self.assertEqual(Route(V4, "10.8.0.0/24", None, 0), found[0])
        self.assertEqual({"10.9.0.0/16", "0.0.0.0/0"}, {route.to for route in found[1:]})

    def test_a_default_among_a_subnets_routes_replaces_its_gateway(self) -> None:
        found = routes(vif(v4(routes=(("0.0.0.0/0", "10.0.0.9"),))), 0)
        self.assertEqual([Route(V4, "0.0.0.0/0", "10.0.0.9", 0)], found)

    def test_the_metadata_service_is_on_the_link_unless_the_subnet_says_otherwise(self) -> None:
        found = routes(vif(v4()), 0, metadata_on_link=True)
        self.assertEqual(Route(V4, "169.254.169.254/32", None, 0), found[0])
        told = v4(routes=(("169.254.169.254/32", "10.0.0.2"),))
        found = [route.via for route in routes(vif(told), 0, metadata_on_link=True) if route.to.startswith("169")]
        self.assertEqual(["10.0.0.2"], found)
        v6 = FixedIp(address="fd00::5", subnet_id="t", version=6, prefix=64)
        self.assertEqual([], routes(vif(v6), 0, metadata_on_link=True))

    def test_six_is_six(self) -> None:
        v6 = FixedIp(address="fd00::5", subnet_id="t", version=6, prefix=64, gateway="fd00::1")
        self.assertEqual([Route(V6, "::/0", "fd00::1", 0)], routes(vif(v6), 0))
