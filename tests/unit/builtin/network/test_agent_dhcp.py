# SPDX-License-Identifier: Apache-2.0
"""What dnsmasq is told of a network."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import testtools

from minicloud.builtin.network.agent.dhcp import config, part, subnets, tables
from minicloud.builtin.network.agent.dhcp.config import Files
from minicloud.objects.host_network import DhcpOption, HostNetwork, HostRoute
from tests.unit.builtin.network import agent_states as states


def text(network: HostNetwork) -> list[str]:
    return config.text(network, Files(folder=Path("/run/x")), ["192.0.2.53"], 600).splitlines()


class ConfigTest(testtools.TestCase):
    def test_ipv4(self) -> None:
        lines = text(states.network())
        self.assertIn(f"dhcp-range=set:subnet-{states.SUBNET},10.0.0.0,static,255.255.255.0,600", lines)
        self.assertIn("interface=mcidddddddd-00", lines)
        self.assertIn("server=192.0.2.53", lines)
        self.assertIn("local=/cloud.local/", lines)
        self.assertNotIn("enable-ra", lines)

    def ipv6(self, mode: str, *, router: bool = False) -> list[str]:
        ports = []
        if router:
            ports.append(
                states.port(
                    "e" * 36, states.address("2001:db8::1", states.SUBNET6), device_owner="network:router_interface"
                )
            )
        six = states.subnet6(ipv6_address_mode=mode, ipv6_ra_mode=mode)
        return [line for line in text(states.network(*ports, subnets=(six,))) if "ra" in line.split("=")[0]]

    def test_ipv6_without_a_router_is_announced(self) -> None:
        start = f"dhcp-range=set:subnet-{states.SUBNET6},2001:db8::"
        announced = ["enable-ra", "ra-param=mcidddddddd-00,mtu:1450,60,0"]
        self.assertEqual([*announced, f"{start},ra-only,64,600"], self.ipv6("slaac")[-3:])
        self.assertEqual([*announced, f"{start},ra-stateless,64,600"], self.ipv6("dhcpv6-stateless")[-3:])
        self.assertEqual([*announced, f"{start},static,64,600"], self.ipv6("dhcpv6-stateful")[-3:])

    def test_ipv6_with_a_router_is_not(self) -> None:
        for mode, kind in (("slaac", None), ("dhcpv6-stateless", "static"), ("dhcpv6-stateful", "static")):
            found = self.ipv6(mode, router=True)
            self.assertNotIn("enable-ra", found)
            ranges = [line.split(",")[2] for line in found if line.startswith("dhcp-range")]
            self.assertEqual([kind] if kind else [], ranges, mode)

    def test_dnsmasq_understands_it(self) -> None:
        if shutil.which("dnsmasq") is None:
            self.skipTest("no dnsmasq")
        folder = Path(self.new_folder())
        for mode in ("slaac", "dhcpv6-stateless", "dhcpv6-stateful"):
            six = states.subnet6(ipv6_address_mode=mode)
            network = states.network(subnets=(states.subnet(), six))
            files = Files(folder=folder)
            files.config.write_text(config.text(network, files, ["192.0.2.53", "2001:db8::53"], 600))
            done = subprocess.run(
                ["dnsmasq", "--test", f"--conf-file={files.config}"], capture_output=True, text=True, check=False
            )
            self.assertEqual(0, done.returncode, done.stderr)

    def new_folder(self) -> str:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        return folder


class TablesTest(testtools.TestCase):
    def test_hosts_and_names(self) -> None:
        guest = states.port(states.GUEST, states.address("10.0.0.5"), dns_name="web")
        unnamed = states.port(states.GUEST[:-1] + "2", states.address("10.0.0.6"))
        router = states.port("e" * 36, states.address("10.0.0.1"), device_owner="network:router_interface")
        network = states.network(guest, unnamed, router)
        self.assertEqual(
            "fa:16:3e:00:00:01,10.0.0.5,web\nfa:16:3e:00:00:02,10.0.0.6,host-10-0-0-6\n", tables.hosts(network)
        )
        self.assertEqual(
            "10.0.0.5 web.cloud.local web\n10.0.0.6 host-10-0-0-6.cloud.local host-10-0-0-6\n", tables.names(network)
        )

    def test_options_of_a_subnet(self) -> None:
        routes = (HostRoute(destination="10.9.0.0/16", nexthop="10.0.0.7"),)
        found = tables.options(states.network(subnets=(states.subnet(host_routes=routes),))).splitlines()
        tag = f"tag:subnet-{states.SUBNET},"
        way = "169.254.169.254/32,10.0.0.2,10.9.0.0/16,10.0.0.7,0.0.0.0/0,10.0.0.1"
        self.assertEqual(
            [
                f"{tag}option:dns-server,10.0.0.2",
                f"{tag}option:router,10.0.0.1",
                f"{tag}option:classless-static-route,{way}",
                f"{tag}249,{way}",
                f"{tag}option:mtu,1450",
                f"{tag}option:domain-name,cloud.local",
            ],
            found,
        )

    def test_a_subnet_without_gateway_and_with_name_servers(self) -> None:
        found = tables.options(states.network(subnets=(states.subnet(gateway_ip=None, dns_nameservers=("9.9.9.9",)),)))
        self.assertIn("option:dns-server,9.9.9.9\n", found)
        self.assertIn("option:router\n", found)
        self.assertNotIn("0.0.0.0/0", found)

    def test_what_users_say_makes_no_lines(self) -> None:
        options = (
            DhcpOption(name="bootfile-name", value="pxelinux.0"),
            DhcpOption(name="tftp-server", value="10.0.0.9\ntag:x,option:router,6.6.6.6"),
            DhcpOption(name="router,6.6.6.6", value="x"),
            DhcpOption(name="66", value="10.0.0.9"),
        )
        guest = states.port(states.GUEST, states.address("10.0.0.5"), dns_name="a\nb", dhcp_options=options)
        network = states.network(guest)
        self.assertEqual(f"fa:16:3e:00:00:01,set:port-{states.GUEST},10.0.0.5,host-10-0-0-5\n", tables.hosts(network))
        own = [line for line in tables.options(network).splitlines() if line.startswith("tag:port-")]
        self.assertEqual(
            [f"tag:port-{states.GUEST},option:bootfile-name,pxelinux.0", f"tag:port-{states.GUEST},66,10.0.0.9"], own
        )

    def test_ipv6(self) -> None:
        guest = states.port(states.GUEST, states.address("2001:db8::5", states.SUBNET6), dns_name="web")
        network = states.network(guest, subnets=(states.subnet6(ipv6_address_mode="dhcpv6-stateful"),))
        self.assertEqual("fa:16:3e:00:00:01,[2001:db8::5],web\n", tables.hosts(network))
        self.assertIn("option6:dns-server,[2001:db8::2]\n", tables.options(network))

    def test_a_subnet_without_dhcp_is_not_served(self) -> None:
        guest = states.port(states.GUEST, states.address("10.0.0.5"))
        network = states.network(guest, subnets=(states.subnet(enable_dhcp=False),))
        self.assertEqual(([], "", ""), (subnets.served(network), tables.hosts(network), tables.options(network)))


class ServersTest(testtools.TestCase):
    def test_what_listens_on_the_hosts_loopback_is_out_of_reach(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("# comment\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch x\nnameserver ::1\n")
            file.flush()
            self.assertEqual(["192.0.2.1"], part.host_servers(Path(file.name)))
        self.assertEqual([], part.host_servers(Path("/nonexistent")))
