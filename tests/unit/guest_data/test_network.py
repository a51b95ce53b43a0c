# SPDX-License-Identifier: Apache-2.0
"""network_data.json against the shapes that its published schema has."""

from __future__ import annotations

import testtools

from minicloud.guest_data.network import network_data
from minicloud.objects import FixedIp
from tests.unit.guest_data.samples import V4, V6, vif


class NetworkDataTest(testtools.TestCase):
    def test_a_link_is_an_interface(self) -> None:
        self.assertEqual(
            [
                {
                    "id": "tapcd9f6d46-4a",
                    "vif_id": "cd9f6d46-4a3a-43ab-a466-994af9db96fc",
                    "type": "bridge",
                    "mtu": 1450,
                    "ethernet_mac_address": "fa:16:3e:9c:bf:3d",
                }
            ],
            network_data([vif(V4, mtu=1450)])["links"],
        )

    def test_wiring_of_another_kind_is_physical_to_the_guest(self) -> None:
        self.assertEqual("phy", network_data([vif(vif_type="other")])["links"][0]["type"])

    def test_a_static_address_comes_with_all_that_it_needs(self) -> None:
        self.assertEqual(
            {
                "id": "network0",
                "link": "tapcd9f6d46-4a",
                "network_id": "99e88329-f20d-4741-9593-25bf07847b16",
                "type": "ipv4",
                "ip_address": "192.168.81.99",
                "netmask": "255.255.252.0",
                "routes": [
                    {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.168.80.1"},
                    {"network": "10.7.0.0", "netmask": "255.255.0.0", "gateway": "192.168.80.9"},
                ],
                "services": [
                    {"type": "dns", "address": "192.168.80.2"},
                    {"type": "dns", "address": "9.9.9.9"},
                ],
            },
            network_data([vif(V4)])["networks"][0],
        )

    def test_an_ipv6_mask_is_written_out(self) -> None:
        shown = network_data([vif(V6)])["networks"][0]
        self.assertEqual(
            ("ipv6", "2001:db8::5", "ffff:ffff:ffff:ffff::"), (shown["type"], shown["ip_address"], shown["netmask"])
        )
        self.assertEqual([{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}], shown["routes"])

    def test_what_the_network_assigns_is_only_named(self) -> None:
        cases = {("dhcp", 4): "ipv4_dhcp", ("dhcp", 6): "ipv6_dhcp", ("slaac", 6): "ipv6_slaac"}
        for (how, version), kind in cases.items():
            fixed = (V4 if version == 4 else V6).replace(assigned_by=how)
            shown = network_data([vif(fixed)])["networks"][0]
            self.assertEqual((kind, {"id", "link", "network_id", "type"}), (shown["type"], set(shown)))

    def test_an_address_without_a_mask_is_left_to_dhcp(self) -> None:
        shown = network_data([vif(FixedIp(address="10.0.0.1", subnet_id="s"))])
        self.assertEqual(["ipv4_dhcp"], [one["type"] for one in shown["networks"]])

    def test_a_subnet_without_a_gateway_has_no_default_route(self) -> None:
        fixed = V4.replace(gateway=None, routes=())
        self.assertEqual([], network_data([vif(fixed)])["networks"][0]["routes"])

    def test_networks_count_on_over_interfaces_and_name_servers_are_named_once(self) -> None:
        shown = network_data([vif(V4, V6), vif(V4, port_id="11111111-2222")])
        self.assertEqual(
            [("network0", "tapcd9f6d46-4a"), ("network1", "tapcd9f6d46-4a"), ("network2", "tap11111111-22")],
            [(one["id"], one["link"]) for one in shown["networks"]],
        )
        self.assertEqual(["192.168.80.2", "9.9.9.9", "2001:db8::2"], [one["address"] for one in shown["services"]])

    def test_a_guest_without_a_network(self) -> None:
        self.assertEqual({"links": [], "networks": [], "services": []}, network_data([]))
