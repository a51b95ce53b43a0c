# SPDX-License-Identifier: Apache-2.0
"""The seam that compute uses: resolve, allocate, deallocate, describe, rebind."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy as sa

from minicloud import exception
from minicloud.builtin.network.manager.core import silent
from minicloud.builtin.network.service import NetworkService
from minicloud.clients.network import BuiltinNetwork
from minicloud.objects import NetworkRequest, PortOwner, ResolvedNetworks
from minicloud.rpc.base import get_transport
from tests.unit.builtin.network.base import ADMIN, ALICE, BOB, NetworkTestCase, ctxt_of
from tests.unit.rpc import suite


class AllocateTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.network, self.subnet = self.make_net(name="blue")
        self.request = NetworkRequest(network_id=self.network)

    def test_a_new_port_is_the_servers(self) -> None:
        (vif,) = self.boot(self.request.replace(tag="nic1"))
        port = self.call("GET", f"/ports/{vif.port_id}", project=ADMIN)["port"]
        self.assertEqual("server-1", port["device_id"])
        self.assertEqual("compute:nova", port["device_owner"])
        self.assertEqual("node-1", port["binding:host_id"])
        self.assertEqual("ACTIVE", port["status"])
        self.assertEqual(ALICE, port["project_id"])
        self.assertEqual("host-name", port["dns_name"])
        (group,) = self.call("GET", "/security-groups?name=default")["security_groups"]
        self.assertEqual([group["id"]], port["security_groups"])
        self.assertEqual(("blue", "nic1", True, True), (vif.network_name, vif.tag, vif.active, vif.created_by_compute))
        self.assertEqual({"server-1": [vif]}, self.servers.describe(ctxt_of(ALICE), ["server-1"]))

    def test_an_address_comes_with_what_its_subnet_tells(self) -> None:
        changes = {
            "dns_nameservers": ["9.9.9.9"],
            "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.1.0.9"}],
        }
        found = self.call("PUT", f"/subnets/{self.subnet}", {"subnet": changes})["subnet"]
        (vif,) = self.boot(self.request)
        (fixed,) = vif.fixed_ips
        self.assertEqual(found["gateway_ip"], fixed.gateway)
        self.assertEqual(int(found["cidr"].partition("/")[2]), fixed.prefix)
        self.assertEqual((("9.9.9.9",), (("10.9.0.0/16", "10.1.0.9"),)), (fixed.dns, fixed.routes))
        self.assertEqual("dhcp", fixed.assigned_by)
        self.assertEqual({"server-1": [vif]}, self.servers.describe(ctxt_of(ALICE), ["server-1"]))

    def test_its_security_groups_are_told_with_their_rules(self) -> None:
        self.boot(self.request)
        (group,) = self.servers.security_groups(ctxt_of(ALICE), "server-1")
        self.assertEqual(("default", ALICE), (group.name, group.project_id))
        wanted = self.call("GET", f"/security-groups/{group.id}")["security_group"]["security_group_rules"]
        self.assertEqual({rule["id"] for rule in wanted}, {rule.id for rule in group.rules})
        self.assertIn("egress", {rule.direction for rule in group.rules})
        self.assertEqual([], self.servers.security_groups(ctxt_of(ALICE), "nobody"))

    def test_a_group_is_added_to_all_ports_and_taken_again(self) -> None:
        self.boot(self.request, self.request)
        web = self.make("security_group", name="web")["id"]
        ctxt = ctxt_of(ALICE)
        for name in ("web", web):
            groups = self.servers.add_security_group(ctxt, "server-1", name)
            self.assertEqual(["default", "web"], [group.name for group in groups])
        for port in self.call("GET", "/ports?device_id=server-1")["ports"]:
            self.assertIn(web, port["security_groups"])
        self.assertRaises(
            exception.SecurityGroupNotFound, self.servers.add_security_group, ctxt_of(BOB), "server-1", "web"
        )
        groups = self.servers.remove_security_group(ctxt, "server-1", "web")
        self.assertEqual(["default"], [group.name for group in groups])
        self.assertRaises(exception.SecurityGroupNotFound, self.servers.remove_security_group, ctxt, "server-1", "web")
        self.assertRaises(
            exception.SecurityGroupCannotBeApplied, self.servers.add_security_group, ctxt, "nobody", "web"
        )

    def test_statements_of_one_boot(self) -> None:
        self.boot(self.request, uuid="before")
        seen: list[str] = []
        sa.event.listen(self.db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        self.boot(self.request)
        statements = [text for text in seen if not text.startswith("BEGIN")]
        self.assertLess(len(statements), 8, statements)

    def test_a_retry_finds_what_is_there(self) -> None:
        requests = [self.request, self.request]
        first = self.boot(*requests)
        self.assertEqual(first, self.boot(*requests))
        self.assertEqual(2, len(self.listed("/ports?device_id=server-1")))

    def test_order_of_the_requests(self) -> None:
        other, _subnet = self.make_net("10.2.0.0/24", name="red")
        mine = self.make("port", network_id=self.network)["id"]
        requests = [NetworkRequest(network_id=other), NetworkRequest(port_id=mine), self.request]
        found = self.boot(*requests)
        self.assertEqual(["red", "blue", "blue"], [vif.network_name for vif in found])
        self.assertEqual([True, False, True], [vif.created_by_compute for vif in found])

    def test_deallocate_frees_the_users_own(self) -> None:
        mine = self.make("port", network_id=self.network)
        self.boot(self.request, NetworkRequest(port_id=mine["id"]))
        for _ in range(2):
            self.servers.release(ctxt_of(ALICE), "server-1", [])
        self.assertEqual([mine["id"]], self.listed(f"/ports?network_id={self.network}"))
        after = self.call("GET", f"/ports/{mine['id']}", project=ADMIN)["port"]
        self.assertEqual(
            ("", "", "", "DOWN"),
            tuple(after[key] for key in ("device_id", "device_owner", "binding:host_id", "status")),
        )
        self.assertEqual(mine["fixed_ips"], after["fixed_ips"])

    def test_nothing_is_left_when_one_of_two_fails(self) -> None:
        small, _subnet = self.make_net("10.3.0.0/30")
        self.make("port", network_id=small)
        self.assertRaises(exception.Conflict, self.boot, self.request, NetworkRequest(network_id=small))
        self.assertEqual([], self.listed("/ports?device_id=server-1"))

    def test_another_projects_port_is_not_there(self) -> None:
        mine = self.make("port", network_id=self.network)["id"]
        request = NetworkRequest(port_id=mine)
        self.assertRaises(exception.RequestedPortNotFound, self.boot, request, project=BOB)

    def test_a_port_in_use(self) -> None:
        mine = self.make("port", network_id=self.network)["id"]
        self.boot(NetworkRequest(port_id=mine))
        self.assertRaises(exception.PortInUse, self.boot, NetworkRequest(port_id=mine), uuid="server-2")

    def test_two_nics_on_a_subnet_with_one_address_left(self) -> None:
        small, _subnet = self.make_net("10.3.0.0/30")
        request = NetworkRequest(network_id=small)
        self.assertRaises(exception.Conflict, self.boot, request, request)
        self.assertEqual(1, len(self.boot(request)))

    def test_sixteen_boots_at_once(self) -> None:
        found: list[Any] = []
        threads = [
            threading.Thread(target=lambda n=n: found.append(self.boot(self.request, uuid=f"s{n}")[0]))
            for n in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(16, len({vif.fixed_ips[0].address for vif in found}))

    def test_rebind_and_attach(self) -> None:
        self.boot(self.request)
        self.servers.rebind(ctxt_of(ADMIN), "server-1", "node-2")
        (port,) = self.call("GET", "/ports?device_id=server-1", project=ADMIN)["ports"]
        self.assertEqual("node-2", port["binding:host_id"])

    def test_a_server_without_a_host_keeps_its_ports(self) -> None:
        (before,) = self.boot(self.request)
        self.servers.rebind(ctxt_of(ADMIN), "server-1", "")
        (port,) = self.call("GET", "/ports?device_id=server-1", project=ADMIN)["ports"]
        self.assertEqual(("", "unbound", "DOWN"), (port["binding:host_id"], port["binding:vif_type"], port["status"]))
        (kept,) = self.servers.describe(ctxt_of(ADMIN), ["server-1"])["server-1"]
        self.assertEqual((before.port_id, before.fixed_ips, False), (kept.port_id, kept.fixed_ips, kept.active))
        self.servers.rebind(ctxt_of(ADMIN), "server-1", "node-2")
        (again,) = self.servers.describe(ctxt_of(ADMIN), ["server-1"])["server-1"]
        self.assertTrue(again.active)

    def test_a_parked_port_is_no_way_into_anothers_server(self) -> None:
        (own,) = self.boot(self.request)
        self.servers.rebind(ctxt_of(ADMIN), "server-1", "")
        self.call("PUT", f"/ports/{own.port_id}", {"port": {"device_id": "victim"}})
        self.assertEqual({"victim": []}, self.servers.describe(ctxt_of(ADMIN), ["victim"]))

    def test_a_floating_address_shows(self) -> None:
        public = self.make_public()
        router = self.make("router", external_gateway_info={"network_id": public})["id"]
        self.call("PUT", f"/routers/{router}/add_router_interface", {"subnet_id": self.subnet})
        (vif,) = self.boot(self.request)
        floating = self.make("floatingip", floating_network_id=public, port_id=vif.port_id)
        (seen,) = self.servers.describe(ctxt_of(ALICE), ["server-1", "none"])["server-1"]
        self.assertEqual((floating["floating_ip_address"],), seen.fixed_ips[0].floating)
        self.assertEqual(
            [("network-changed", "server-1", vif.port_id)], [(e.name, e.server_uuid, e.tag) for e in self.events]
        )

    def test_nobody_slips_a_port_under_anothers_server(self) -> None:
        self.boot(self.request)
        net, _subnet = self.make_net("10.9.0.0/24", project=BOB)
        self.make("port", project=BOB, network_id=net, device_id="server-1", device_owner="compute:nova")
        own = self.boot(NetworkRequest(network_id=net), uuid="bobs", project=BOB)[0].port_id
        self.call("PUT", f"/ports/{own}", {"port": {"device_id": "server-1"}}, project=BOB)
        self.assertEqual(1, len(self.servers.describe(ctxt_of(ALICE), ["server-1"])["server-1"]))
        # Nor their security groups into its.
        told = self.servers.security_groups(ctxt_of(ALICE), "server-1")
        self.assertEqual([ALICE], [group.project_id for group in told])


class ResolveTest(NetworkTestCase):
    def resolve(
        self, *requests: NetworkRequest, mode: str = "", groups: tuple[str, ...] = (), count: int = 1
    ) -> ResolvedNetworks:
        return self.resolver.resolve(ctxt_of(ALICE), list(requests), mode, list(groups), count)

    def test_the_only_network(self) -> None:
        self.assertEqual((), self.resolve().requests)
        self.make_public()
        network, _subnet = self.make_net()
        self.assertEqual((NetworkRequest(network_id=network),), self.resolve().requests)
        self.make_net(project=BOB)
        self.assertEqual(1, len(self.resolve().requests))
        self.make_net(project=ADMIN, shared=True)
        self.assertRaises(exception.NetworkAmbiguous, self.resolve)
        self.assertEqual((), self.resolve(mode="none").requests)

    def test_auto_makes_a_topology_once(self) -> None:
        self.assertRaises(exception.UnableToAutoAllocateNetwork, self.resolve, mode="auto")
        self.make_public()
        first = self.resolve(mode="auto")
        self.assertEqual(first, self.resolve(mode="auto"))
        (router,) = self.call("GET", "/routers")["routers"]
        self.assertIsNotNone(router["external_gateway_info"])
        self.assertEqual([first.requests[0].network_id], self.listed("/networks?router:external=false"))

    def test_what_is_not_there_or_not_mine(self) -> None:
        theirs, _subnet = self.make_net(project=BOB)
        public = self.make_public()
        bare = self.make("network")["id"]
        for wrong, request in (
            (exception.RequestedNetworkNotFound, NetworkRequest(network_id="nope")),
            (exception.RequestedNetworkNotFound, NetworkRequest(network_id=theirs)),
            (exception.ExternalNetworkAttachForbidden, NetworkRequest(network_id=public)),
            (exception.NetworkRequiresSubnet, NetworkRequest(network_id=bare)),
            (exception.RequestedPortNotFound, NetworkRequest(port_id="nope")),
        ):
            self.assertRaises(wrong, self.resolve, request)

    def test_ports(self) -> None:
        network, _subnet = self.make_net()
        mine = self.make("port", network_id=network)["id"]
        bare = self.make("port", network_id=network, fixed_ips=[])["id"]
        self.assertEqual(network, self.resolve(NetworkRequest(port_id=mine)).requests[0].network_id)
        self.assertRaises(exception.PortRequiresFixedIp, self.resolve, NetworkRequest(port_id=bare))
        self.boot(NetworkRequest(port_id=mine))
        self.assertRaises(exception.PortInUse, self.resolve, NetworkRequest(port_id=mine))

    def test_fixed_addresses(self) -> None:
        network, _subnet = self.make_net()
        self.make("port", network_id=network)
        for wrong, address in (
            (exception.RequestedFixedIpInUse, "10.1.0.2"),
            (exception.RequestedFixedIpInvalid, "10.2.0.2"),
            (exception.RequestedFixedIpInvalid, "10.1.0.255"),
        ):
            self.assertRaises(wrong, self.resolve, NetworkRequest(network_id=network, fixed_ip=address))
        request = NetworkRequest(network_id=network, fixed_ip="10.1.0.3")
        self.resolve(request)
        self.assertEqual("10.1.0.3", self.boot(request)[0].fixed_ips[0].address)

    def test_security_groups(self) -> None:
        group = self.make("security_group", name="web")["id"]
        found = self.resolve(groups=("web", group, "default")).security_groups
        self.assertEqual(((group, "web"), "default"), (found[0], found[1][1]))
        self.assertEqual(2, len(found))
        theirs = self.make("security_group", name="theirs", project=BOB)["id"]
        for name in ("theirs", theirs, "nope"):
            self.assertRaises(exception.RequestedSecurityGroupNotFound, self.resolve, groups=(name,))
        self.make("security_group", name="web")
        self.assertRaises(exception.NoUniqueMatch, self.resolve, groups=("web",))

    def test_ports_that_are_open_on_purpose(self) -> None:
        guarded, _subnet = self.make_net()
        bare = self.make("network", port_security_enabled=False)["id"]
        self.make("subnet", network_id=bare, ip_version=4, cidr="10.9.0.0/24")
        port = self.make("port", network_id=bare, port_security_enabled=True)["id"]
        for expected, requests in (
            (True, [NetworkRequest(network_id=guarded)]),
            (False, [NetworkRequest(network_id=bare)]),
            (True, [NetworkRequest(network_id=bare), NetworkRequest(network_id=guarded)]),
            (True, [NetworkRequest(port_id=port)]),
        ):
            self.assertEqual(expected, self.resolve(*requests).is_guarded, requests)
        self.assertTrue(self.resolve(mode="none").is_guarded)

    def test_quota_counts_all_servers(self) -> None:
        network, _subnet = self.make_net()
        self.call("PUT", f"/quotas/{ALICE}", {"quota": {"port": 3}}, project=ADMIN)
        self.make("port", network_id=network)
        self.resolve(count=2)
        self.assertRaises(exception.PortLimitExceeded, self.resolve, count=3)


class RpcTest(NetworkTestCase):
    """The same by messages, as compute asks."""

    def setUp(self) -> None:
        super().setUp()
        transport = get_transport(self.conf, suite.local_url())
        self.addCleanup(transport.cleanup)
        service = NetworkService(self.conf, self.db, silent, transport)
        service.start()
        self.addCleanup(service.stop)
        self.client = BuiltinNetwork(transport, timeout=10)

    def test_a_servers_life(self) -> None:
        network, _subnet = self.make_net("10.3.0.0/29")
        ctxt = ctxt_of(ALICE)
        found = self.client.resolve(ctxt, [], "", ["default"], 1)
        self.assertEqual(network, found.requests[0].network_id)
        groups = [key for key, _name in found.security_groups]
        wanted = (_owner("s1"), list(found.requests), groups)
        (vif,) = self.client.allocate(ctxt, *wanted)
        self.assertEqual([vif], self.client.allocate(ctxt, *wanted))
        more = self.client.attach(ctxt, _owner("s1"), found.requests[0], groups)
        self.client.rebind(ctxt, "s1", "h2")
        described = self.client.describe(ctxt, ["s1", "s2"])
        self.assertEqual({"s1": [vif, more], "s2": []}, described)
        self.client.detach(ctxt, "s1", vif.port_id)
        self.assertEqual([more.port_id], self.listed("/ports?device_id=s1"))
        self.client.deallocate(ctxt, "s1", [])
        self.assertEqual([], self.listed("/ports"))

    def test_errors_keep_their_class(self) -> None:
        network, _subnet = self.make_net("10.3.0.0/30")
        ctxt = ctxt_of(ALICE)
        request = NetworkRequest(network_id="nope")
        self.assertRaises(exception.RequestedNetworkNotFound, self.client.resolve, ctxt, [request], "", [], 1)
        wanted = [NetworkRequest(network_id=network)]
        self.client.allocate(ctxt, _owner("s1"), wanted, [])
        error = self.assertRaises(exception.NoMoreFixedIps, self.client.allocate, ctxt, _owner("s2"), wanted, [])
        self.assertIn(network, str(error))
        fixed = [NetworkRequest(network_id=network, fixed_ip="10.3.0.2")]
        self.assertRaises(exception.RequestedFixedIpInUse, self.client.allocate, ctxt, _owner("s3"), fixed, [])


def _owner(uuid: str) -> PortOwner:
    return PortOwner(project_id=ALICE, uuid=uuid, hostname="name", host="h1")
