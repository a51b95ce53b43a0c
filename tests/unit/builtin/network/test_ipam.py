# SPDX-License-Identifier: Apache-2.0
"""Addresses are handed out once, quickly, and within the pools."""

from __future__ import annotations

import threading
from ipaddress import ip_network

import fixtures
import testtools

from minicloud.builtin.network import ipam
from minicloud.builtin.network.db.networks import subnets
from minicloud.builtin.network.ipam import default_pools, eui64
from tests.unit.builtin.network.base import ALICE, NetworkTestCase


class PoolsTest(testtools.TestCase):
    def test_gateway_in_the_middle_splits_the_pool(self) -> None:
        self.assertEqual(
            [{"start": "10.0.0.1", "end": "10.0.0.3"}, {"start": "10.0.0.5", "end": "10.0.0.6"}],
            default_pools(ip_network("10.0.0.0/29"), "10.0.0.4"),
        )

    def test_point_to_point_has_no_network_address(self) -> None:
        self.assertEqual([{"start": "10.0.0.0", "end": "10.0.0.1"}], default_pools(ip_network("10.0.0.0/31"), None))

    def test_ipv6_keeps_its_last_address(self) -> None:
        self.assertEqual([{"start": "fd00::2", "end": "fd00::f"}], default_pools(ip_network("fd00::/124"), "fd00::1"))

    def test_eui64_as_in_the_rfc(self) -> None:
        self.assertEqual("2001:db8::3456:78ff:fe9a:bcde", eui64(ip_network("2001:db8::/64"), "36:56:78:9a:bc:de"))


class AllocateTest(NetworkTestCase):
    def addresses(self, network: str) -> list[str]:
        ports = self.call("GET", f"/ports?network_id={network}")["ports"]
        return [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]

    def test_lowest_first_and_freed_ones_again(self) -> None:
        network, _subnet = self.make_net()
        made = [self.make("port", network_id=network) for _ in range(3)]
        self.assertEqual(["10.1.0.2", "10.1.0.3", "10.1.0.4"], self.addresses(network))
        self.call("DELETE", f"/ports/{made[1]['id']}")
        self.make("port", network_id=network)
        self.assertEqual({"10.1.0.2", "10.1.0.3", "10.1.0.4"}, set(self.addresses(network)))

    def test_a_full_subnet_says_so_and_then_uses_what_came_free(self) -> None:
        network, _subnet = self.make_net("10.1.0.0/29")
        made = [self.make("port", network_id=network) for _ in range(5)]
        self.refused("IpAddressGenerationFailure", 409, "POST", "/ports", {"port": {"network_id": network}})
        self.call("DELETE", f"/ports/{made[2]['id']}")
        again = self.make("port", network_id=network)
        self.assertEqual(made[2]["fixed_ips"], again["fixed_ips"])

    def test_finds_a_gap_behind_many_taken(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("minicloud.builtin.network.ipam.FIRST_WINDOW", 2))
        network, subnet = self.make_net()
        for last in range(2, 12):
            if last != 9:
                wish = [{"subnet_id": subnet, "ip_address": f"10.1.0.{last}"}]
                self.make("port", network_id=network, fixed_ips=wish)
        self.assertEqual("10.1.0.9", self.make("port", network_id=network)["fixed_ips"][0]["ip_address"])
        self.assertEqual("10.1.0.12", self.make("port", network_id=network)["fixed_ips"][0]["ip_address"])

    def test_second_subnet_when_the_first_is_full(self) -> None:
        network, _subnet = self.make_net("10.1.0.0/30")
        self.make("subnet", network_id=network, cidr="10.2.0.0/24", ip_version=4)
        for _ in range(2):
            self.make("port", network_id=network)
        self.assertEqual(["10.1.0.2", "10.2.0.2"], self.addresses(network))

    def test_one_address_of_each_family(self) -> None:
        network, _subnet = self.make_net()
        self.make("subnet", network_id=network, cidr="fd00::/64", ip_version=6)
        slaac = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        self.make("subnet", network_id=network, cidr="fd01::/64", ip_version=6, **slaac)
        port = self.make("port", network_id=network, mac_address="fa:16:3e:00:00:01")
        found = [fixed["ip_address"] for fixed in port["fixed_ips"]]
        self.assertEqual(["10.1.0.2", "fd00::2", "fd01::f816:3eff:fe00:1"], found)

    def test_sixteen_threads_never_get_the_same(self) -> None:
        network, _subnet = self.make_net("10.1.0.0/25")
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(7):
                    self.make("port", network_id=network, project=ALICE)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        found = self.addresses(network)
        self.assertEqual(112, len(found))
        self.assertEqual(112, len(set(found)))

    def test_one_that_lost_a_race_chooses_elsewhere(self) -> None:
        _network, subnet = self.make_net()
        allocator = ipam.Allocator()
        with self.db.writer() as conn:
            row = subnets.get(conn, subnet)
            chosen = {allocator.free(conn, row, tried=1) for _ in range(20)}
        self.assertGreater(len(chosen), 3)
