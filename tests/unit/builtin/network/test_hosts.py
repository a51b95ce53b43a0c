# SPDX-License-Identifier: Apache-2.0
"""What agents are told of the books, and what becomes of what they tell."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from minicloud import context
from minicloud.builtin.network.app import make_app
from minicloud.builtin.network.db import models
from minicloud.builtin.network.drivers.loader import AGENT, BOOKS, choice, load_driver
from minicloud.builtin.network.hosts import placement
from minicloud.builtin.network.hosts.endpoint import HostNetworkEndpoint
from minicloud.builtin.network.manager.core import Core
from minicloud.builtin.network.manager.servers import ServerPorts
from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, PortOwner, Vif, from_builtins, to_builtins
from minicloud.objects.host_network import HostNetwork, HostState
from minicloud.web.moments import now
from tests.unit.builtin.network.base import ADMIN, ALICE, NetworkTestCase, authenticate


class HostsTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("driver", AGENT, group="network")
        self.announced = 0
        core = Core(self.conf, self.db, self._notify, load_driver(self.conf, self._announce))
        self.app = make_app(self.conf, self.db, authenticate, self._notify, announce=self._announce)
        self.servers = ServerPorts(core)
        self.hosts = HostNetworkEndpoint(core)
        self.net = self.make("network", name="net")
        self.sub = self.make("subnet", network_id=self.net["id"], cidr="10.0.0.0/24", ip_version=4)

    def _announce(self, _ctxt: RequestContext) -> None:
        self.announced += 1

    def plug(self, host: str, network: str | None = None) -> Vif:
        server = PortOwner(project_id=ALICE, uuid=str(uuid4()), hostname="web", host=host)
        request = NetworkRequest(network_id=network or self.net["id"])
        (vif,) = self.servers.allocate(context.admin(), server, [request], [])
        return vif

    def state(self, host: str) -> HostState:
        found = self.hosts.host_state(context.admin(), host)
        self.assertEqual(found, from_builtins(to_builtins(found)))
        return found

    def heart(self, host: str, tunnel_ip: str = "", **problems: str) -> None:
        self.hosts.report_agent(context.admin(), host, tunnel_ip, problems)

    def only(self, state: HostState) -> HostNetwork:
        (network,) = state.networks
        return network

    # --- what is told --------------------------------------------------------------------------

    def test_networks_that_users_make_have_tunnels(self) -> None:
        shown = self.call("GET", f"/networks/{self.net['id']}", project=ADMIN)["network"]
        self.assertEqual(("vxlan", 1450), (shown["provider:network_type"], shown["mtu"]))
        self.assertTrue(0 < shown["provider:segmentation_id"] < 1 << 24)

    def test_a_guest_is_plugged_into_a_bridge_and_not_up_yet(self) -> None:
        vif = self.plug("a")
        self.assertEqual(("bridge", f"mcb{self.net['id'][:11]}", False), (vif.vif_type, vif.bridge, vif.active))
        (described,) = self.servers.describe(context.admin(), [self.port(vif)["device_id"]]).values()
        self.assertEqual([vif.bridge], [each.bridge for each in described])

    def port(self, vif: Vif) -> Any:
        return self.call("GET", f"/ports/{vif.port_id}", project=ADMIN)["port"]

    def test_a_host_without_anything_is_told_nothing(self) -> None:
        self.heart("b")
        self.plug("b")
        found = self.state("a")
        if not found.networks:  # unless it is the one that the DHCP server is placed on
            self.assertEqual(HostState(host="a"), found)
        self.assertEqual((), found.ports)

    def test_one_host_has_it_all(self) -> None:
        vif = self.plug("a")
        found = self.state("a")
        self.assertEqual([vif.port_id], [port.id for port in found.ports])
        network = self.only(found)
        assert network.dhcp_port is not None
        self.assertEqual(vif.bridge, network.bridge)
        self.assertEqual(["10.0.0.3"], [each.address for each in network.dhcp_port.addresses])
        self.assertEqual("cloud.local", network.dns_domain)
        guest = found.ports[0]
        self.assertEqual(
            (vif.mac_address, "web", "DOWN", "a"), (guest.mac_address, guest.dns_name, guest.status, guest.host)
        )
        self.assertEqual([("10.0.0.2", 24)], [(each.address, each.prefix) for each in guest.addresses])
        (group,) = found.security_groups
        self.assertEqual((group.id,), guest.security_groups)
        self.assertEqual({group.id: ("10.0.0.2",)}, found.members)
        self.assertEqual(4, len(group.rules))

    def test_the_dhcp_port_is_the_services_own(self) -> None:
        self.plug("a")
        self.state("a")
        (port,) = self.call("GET", f"/ports?network_id={self.net['id']}&device_owner=network:dhcp")["ports"]
        self.assertEqual("ACTIVE", port["status"])
        announced = self.announced
        self.state("a")
        self.assertEqual(announced, self.announced)
        more = self.make("subnet", network_id=self.net["id"], cidr="10.0.1.0/24", ip_version=4)
        network = self.only(self.state("a"))
        assert network.dhcp_port is not None
        self.assertEqual({self.sub["id"], more["id"]}, {each.subnet_id for each in network.dhcp_port.addresses})
        self.call("DELETE", f"/subnets/{more['id']}")
        self.servers.release(context.admin(), self.port_of("compute:nova")["device_id"], [])
        self.call("DELETE", f"/subnets/{self.sub['id']}")
        self.call("DELETE", f"/networks/{self.net['id']}")

    def port_of(self, owner: str) -> Any:
        return self.call("GET", f"/ports?network_id={self.net['id']}&device_owner={owner}", project=ADMIN)["ports"][0]

    def test_routers_with_their_floating_addresses(self) -> None:
        values = {"router:external": True, "name": "out"}
        out = self.make("network", project=ADMIN, **values)
        self.make("subnet", project=ADMIN, network_id=out["id"], cidr="192.0.2.0/24", ip_version=4, enable_dhcp=False)
        router = self.make("router", external_gateway_info={"network_id": out["id"]})
        self.call("PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": self.sub["id"]}, status=200)
        vif = self.plug("a")
        floating = self.make("floatingip", floating_network_id=out["id"], port_id=vif.port_id)
        found = self.state("a")
        (told,) = found.routers
        self.assertEqual([self.net["id"]], [port.network_id for port in told.interfaces])
        assert told.gateway is not None
        self.assertEqual(out["id"], told.gateway.network_id)
        (address,) = told.floating_ips
        self.assertEqual(
            (floating["floating_ip_address"], "10.0.0.2", vif.port_id),
            (address.address, address.fixed_address, address.port_id),
        )
        outside = found.network(out["id"])
        assert outside is not None
        self.assertEqual(
            (True, None, None, 1500), (outside.is_external, outside.segment, outside.dhcp_port, outside.mtu)
        )

    def test_peers_are_hosts_with_tunnels_that_live(self) -> None:
        for host, tunnel_ip in (("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "")):
            self.heart(host, tunnel_ip)
        self.plug("a")
        mac = self.plug("b").mac_address
        self.plug("c")
        peers = {peer.host: peer for peer in self.only(self.state("a")).peers}
        self.assertEqual({"b"}, set(peers))
        self.assertEqual("192.0.2.2", peers["b"].address)
        self.assertIn(mac, peers["b"].mac_addresses)
        self.kill("b")
        self.assertEqual((), self.only(self.state("a")).peers)

    def kill(self, host: str) -> None:
        """Its last heartbeat was long ago."""
        agents: Any = models.Agent.__table__
        long_ago = now() - datetime.timedelta(seconds=self.conf.service_down_time + 1)
        with self.db.writer() as conn:
            conn.execute(sa.update(agents).where(agents.c.host == host).values(heartbeat_at=long_ago))

    def test_dhcp_is_on_one_host_and_moves_when_that_dies(self) -> None:
        for host in ("a", "b"):
            self.heart(host, f"192.0.2.{ord(host)}")
            self.plug(host)
        servers = {host: self.only(self.state(host)).dhcp_port for host in ("a", "b")}
        (there,) = [host for host, port in servers.items() if port]
        other = {"a": "b", "b": "a"}[there]
        self.kill(there)
        moved = self.only(self.state(other)).dhcp_port
        before = servers[there]
        assert moved is not None and before is not None
        self.assertEqual((before.id, before.addresses, other), (moved.id, moved.addresses, moved.host))

    # --- what they tell ------------------------------------------------------------------------

    def test_a_port_is_up_when_its_agent_says_so(self) -> None:
        vif = self.plug("a")
        self.state("a")
        announced = self.announced
        self.hosts.report_ports(context.admin(), "b", {vif.port_id: "ACTIVE"})
        self.assertEqual("DOWN", self.port(vif)["status"])
        for _twice in range(2):
            self.hosts.report_ports(context.admin(), "a", {vif.port_id: "ACTIVE", "gone": "DOWN"})
        self.assertEqual("ACTIVE", self.port(vif)["status"])
        self.assertEqual([("network-vif-plugged", vif.port_id)], [(each.name, each.tag) for each in self.events])
        self.assertEqual("ACTIVE", self.state("a").ports[0].status)
        self.hosts.report_ports(context.admin(), "a", {vif.port_id: "DOWN"})
        self.assertEqual("network-vif-unplugged", self.events[-1].name)
        self.assertEqual(announced, self.announced)

    def test_a_floating_address_is_up_when_its_agent_says_so(self) -> None:
        out = self.make("network", project=ADMIN, **{"router:external": True, "name": "out"})
        self.make("subnet", project=ADMIN, network_id=out["id"], cidr="192.0.2.0/24", ip_version=4)
        router = self.make("router", external_gateway_info={"network_id": out["id"]})
        self.call("PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": self.sub["id"]}, status=200)
        vif = self.plug("a")
        made = self.make("floatingip", floating_network_id=out["id"], port_id=vif.port_id)
        self.assertEqual("DOWN", made["status"])
        path, announced = f"/floatingips/{made['id']}", self.announced
        self.hosts.report_routers(context.admin(), "a", {made["id"]: "ACTIVE", router["id"]: "ERROR", "gone": "ACTIVE"})
        self.assertEqual("ACTIVE", self.call("GET", path, project=ADMIN)["floatingip"]["status"])
        self.assertEqual("ERROR", self.call("GET", f"/routers/{router['id']}", project=ADMIN)["router"]["status"])
        self.assertEqual(announced, self.announced)
        # One that leads nowhere is down, whatever an agent has seen a moment before.
        self.call("PUT", path, {"floatingip": {"port_id": None}}, status=200)
        self.hosts.report_routers(context.admin(), "a", {made["id"]: "ACTIVE"})
        self.assertEqual("DOWN", self.call("GET", path, project=ADMIN)["floatingip"]["status"])

    def test_a_port_that_moves_is_down_until_the_new_host_has_it(self) -> None:
        vif = self.plug("a")
        self.hosts.report_ports(context.admin(), "a", {vif.port_id: "ACTIVE"})
        self.servers.rebind(context.admin(), self.port(vif)["device_id"], "b")
        self.assertEqual("DOWN", self.port(vif)["status"])

    def test_agents_hear_of_every_change(self) -> None:
        before = self.announced
        self.make("security_group", name="other")
        self.assertEqual(before + 1, self.announced)
        self.call("GET", "/networks")
        self.assertEqual(before + 1, self.announced)

    def test_heartbeats_show(self) -> None:
        self.heart("a", "192.0.2.1", dhcp="dnsmasq: this program is not installed")
        before = self.announced
        self.heart("a", "192.0.2.1")
        self.assertEqual(before, self.announced)
        self.heart("b")
        self.kill("b")
        one, two = self.call("GET", "/agents", project=ADMIN)["agents"]
        self.assertEqual([], self.call("GET", "/agents")["agents"])
        self.refused("PolicyNotAuthorized", 403, "GET", f"/agents/{one['id']}")
        self.assertEqual(("a", True, "b", False), (one["host"], one["alive"], two["host"], two["alive"]))
        self.assertEqual({"tunneling_ip": "192.0.2.1", "problems": {}}, one["configurations"])
        self.assertEqual(one, self.call("GET", f"/agents/{one['id']}", project=ADMIN)["agent"])
        self.call("DELETE", f"/agents/{two['id']}", project=ADMIN)
        self.refused("AgentNotFound", 404, "GET", f"/agents/{two['id']}", project=ADMIN)
        self.assertEqual(
            [one["id"]], [each["id"] for each in self.call("GET", "/agents?host=a", project=ADMIN)["agents"]]
        )


class BooksTest(NetworkTestCase):
    def test_which_driver_it_is(self) -> None:
        self.assertEqual(BOOKS, choice(self.conf))
        self.conf.set_override("compute_driver", "libvirt.LibvirtDriver")
        self.assertIn(choice(self.conf), (AGENT, BOOKS))
        self.conf.set_override("driver", BOOKS, group="network")
        self.assertEqual(BOOKS, choice(self.conf))

    def test_books_are_up_at_once_and_make_no_noise(self) -> None:
        net = self.make("network", name="net")
        self.make("subnet", network_id=net["id"], cidr="10.0.0.0/24", ip_version=4)
        server = PortOwner(project_id=ALICE, uuid=str(uuid4()), hostname="web", host="a")
        (vif,) = self.servers.allocate(context.admin(), server, [NetworkRequest(network_id=net["id"])], [])
        self.assertEqual(("other", None, True), (vif.vif_type, vif.bridge, vif.active))


class PlacementTest(NetworkTestCase):
    def test_few_things_move_when_a_host_goes(self) -> None:
        keys = [str(number) for number in range(300)]
        before = {key: placement.place(key, ["a", "b", "c"]) for key in keys}
        self.assertEqual({"a", "b", "c"}, set(before.values()))
        after = {key: placement.place(key, ["b", "a"]) for key in keys}
        moved = [key for key in keys if before[key] != after[key]]
        self.assertEqual([key for key in keys if before[key] == "c"], moved)
        self.assertEqual("", placement.place("1", []))
