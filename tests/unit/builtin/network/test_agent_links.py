# SPDX-License-Identifier: Apache-2.0
"""Which commands make bridges, tunnels and cables what they shall be, and none when they are."""

from __future__ import annotations

import struct

import msgspec
import testtools

from minicloud import conf as configuration
from minicloud.builtin.network.agent import devices, iproute
from minicloud.builtin.network.agent.iproute import Link
from minicloud.builtin.network.agent.links import bridges, cables, tunnels
from minicloud.builtin.network.agent.links.bridges import Bridges
from minicloud.builtin.network.agent.links.tunnels import Tunnels
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostState, Peer
from tests.unit.builtin.network import agent_states as states

BRIDGE = "mcb11111111-22"
TAP = f"tap{states.GUEST[:11]}"


class BridgesTest(testtools.TestCase):
    def commands(self, *present: Link, **values: object) -> list[str]:
        guest = states.port(states.GUEST, states.address("10.0.0.5"))
        network = states.network(guest, **values)
        state = HostState(host="here", networks=(network,), ports=(guest,))
        conf = configuration.new(files=[])
        conf.set_override("physical_interfaces", {"public": "eth7"}, group="network")
        found = Bridges(conf).commands(network, state, {link.name: link for link in present})
        return [" ".join(command) for command in found]

    def test_a_new_bridge_carries_only(self) -> None:
        self.assertEqual(
            [
                f"link add name {BRIDGE} mtu 1450 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                f"link set {BRIDGE} up",
            ],
            self.commands(),
        )

    def test_what_is_right_is_left_alone(self) -> None:
        bridge = Link(name=BRIDGE, kind="bridge", mtu=1450, is_up=True)
        self.assertEqual([], self.commands(bridge, Link(name=TAP, master=BRIDGE, is_up=True)))
        self.assertEqual([f"link set {TAP} master {BRIDGE}"], self.commands(bridge, Link(name=TAP, is_up=True)))
        self.assertEqual([f"link set {BRIDGE} mtu 1450"], self.commands(msgspec.structs.replace(bridge, mtu=1500)))

    def test_a_physical_network_is_in_its_bridge(self) -> None:
        found = self.commands(Link(name="eth7", is_up=True), physical_network="public", is_external=True)
        self.assertIn(f"link set eth7 master {BRIDGE}", found)
        error = self.assertRaises(CommandFailed, self.commands, physical_network="public")
        self.assertIn("no network device eth7", str(error))

    def test_a_bridge_goes_after_its_last_guest(self) -> None:
        present = {name: Link(name=name, kind="bridge") for name in (BRIDGE, "mcb00000000-00", "mcbridge", "br0")}
        self.assertEqual([("link", "delete", "mcb00000000-00")], bridges._remove(present, {BRIDGE}))
        present["tap1"] = Link(name="tap1", master="mcb00000000-00")
        self.assertEqual([], bridges._remove(present, {BRIDGE}))


class TunnelsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf = configuration.new(files=[])
        conf.set_override("tunnel_ip", "192.0.2.1", group="network")
        self.tunnels = Tunnels(conf)
        self.link = Link(
            name="mcx11111111-22",
            kind="vxlan",
            mtu=1450,
            master=BRIDGE,
            is_up=True,
            details={"id": 7, "local": "192.0.2.1", "port": 4789},
        )

    def test_a_tunnel_is_made_and_made_anew_if_it_is_another(self) -> None:
        network = states.network()
        made = self.tunnels.commands(network, None)
        self.assertIn("type vxlan id 7 local 192.0.2.1 dstport 4789 nolearning", " ".join(made[0]))
        self.assertEqual([], self.tunnels.commands(network, self.link))
        other = msgspec.structs.replace(self.link, details={**self.link.details, "id": 8})
        self.assertEqual([("link", "delete", self.link.name), *made], self.tunnels.commands(network, other))

    def test_peers_are_told_and_forgotten(self) -> None:
        peers = [
            Peer(host="b", address="192.0.2.2", mac_addresses=("fa:16:3e:00:00:02",)),
            Peer(host="c", address="192.0.2.3"),
        ]
        wanted = tunnels.entries(peers)
        self.assertEqual(
            {
                (tunnels.EVERYBODY, "192.0.2.2"),
                (tunnels.EVERYBODY, "192.0.2.3"),
                ("fa:16:3e:00:00:02", "192.0.2.2"),
            },
            wanted,
        )
        self.assertEqual([], tunnels.changes("mcx", wanted, wanted))
        moved = {("fa:16:3e:00:00:02", "192.0.2.3")}
        self.assertEqual(
            [
                "fdb del fa:16:3e:00:00:02 dev mcx dst 192.0.2.2 self",
                "fdb append fa:16:3e:00:00:02 dev mcx dst 192.0.2.3 self permanent",
            ],
            tunnels.changes("mcx", {("fa:16:3e:00:00:02", "192.0.2.2")}, moved),
        )


class CablesTest(testtools.TestCase):
    def test_addresses_come_and_go(self) -> None:
        port = states.port(states.DHCP)
        link = Link(name=port.inner, mtu=1450, mac_address=port.mac_address, is_up=True, addresses=("10.0.0.2/24",))
        self.assertEqual([], cables.inner_commands(port, 1450, link, ["10.0.0.2/24"]))
        self.assertEqual(
            [
                ("address", "delete", "10.0.0.2/24", "dev", port.inner),
                ("address", "add", "2001:db8::2/64", "dev", port.inner, "nodad"),
            ],
            cables.inner_commands(port, 1450, link, ["2001:db8::2/64"]),
        )


class IprouteTest(testtools.TestCase):
    def test_one_word_is_one_word(self) -> None:
        self.assertEqual("link set x up\n", iproute._line(("link", "set", "x", "up")))
        for word in ("a b", "a\nlink delete eth0", "", "a#b"):
            self.assertRaises(ValueError, iproute._line, ("link", word))

    def test_a_feature_that_the_kernel_lacks_is_named(self) -> None:
        several = [("link", "set", "x", "up"), ("link", "add", "name", "y", "type", "vxlan", "id", "7")]
        error = "ip -batch -: Error: Unknown device type.\nCommand failed -:2"
        self.assertEqual(
            "this kernel has no network devices of type vxlan: Error: Unknown device type.",
            iproute._explain(error, several),
        )
        self.assertEqual("ip link set x up: Oops", iproute._explain("ip -batch -: Oops\nCommand failed -:1", several))


class DevicesTest(testtools.TestCase):
    def message(self, kind: int, name: bytes) -> bytes:
        attribute = struct.pack("=HH", 4 + len(name), 3) + name
        attribute += b"\0" * (-len(attribute) % 4)
        body = struct.pack("=BxHiII", 0, 1, 5, 0, 0) + attribute
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body

    def test_names_are_read(self) -> None:
        told = self.message(16, b"tap1\0") + self.message(20, b"other\0") + self.message(17, b"tap22\0")
        self.assertEqual(["tap1", "tap22"], list(devices.link_names(told)))
        self.assertEqual([], list(devices.link_names(told[:10])))
