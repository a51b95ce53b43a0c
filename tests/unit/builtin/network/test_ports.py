# SPDX-License-Identifier: Apache-2.0
"""Ports over the API."""

from __future__ import annotations

from minicloud.objects import NetworkRequest
from tests.unit.builtin.network.base import ADMIN, ALICE, BOB, NetworkTestCase


class PortTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.network, self.subnet = self.make_net()

    def test_filters(self) -> None:
        one = self.make("port", network_id=self.network, device_id="d1", name="p")["id"]
        two = self.make("port", network_id=self.network, fixed_ips=[{"ip_address": "10.1.0.20"}])["id"]
        group = self.make("security_group", name="g")["id"]
        three = self.make("port", network_id=self.network, security_groups=[group])["id"]
        for query, expected in (
            ("device_id=d1", [one]),
            ("device_id=d1&name=q", []),
            ("fixed_ips=ip_address=10.1.0.20", [two]),
            ("fixed_ips=ip_address%3D10.1.0.2", [one]),
            ("fixed_ips=ip_address_substr=1.0.20", [two]),
            (f"fixed_ips=subnet_id={self.subnet}", [one, two, three]),
            ("fixed_ips=subnet_id=nope", []),
            (f"security_groups={group}", [three]),
            ("status=ACTIVE", []),
            (f"network_id={self.network}&limit=2", [one, two]),
            (f"project_id={BOB}", []),
        ):
            answer = self.call("GET", f"/ports?{query}")["ports"]
            self.assertEqual(expected, [port["id"] for port in answer], query)

    def test_addresses_asked_for(self) -> None:
        self.make("port", network_id=self.network, fixed_ips=[{"ip_address": "10.1.0.9", "subnet_id": self.subnet}])
        for kind, status, wish in (
            ("IpAddressAlreadyAllocated", 409, {"ip_address": "10.1.0.9"}),
            ("InvalidIpForNetwork", 400, {"ip_address": "10.2.0.9"}),
            ("InvalidIpForSubnet", 400, {"ip_address": "10.2.0.9", "subnet_id": self.subnet}),
            ("InvalidInput", 400, {"subnet_id": "nope"}),
            ("InvalidInput", 400, {}),
            ("ValidationError", 400, {"ip_address": "10.2.0.900"}),
        ):
            body = {"port": {"network_id": self.network, "fixed_ips": [wish]}}
            self.refused(kind, status, "POST", "/ports", body)
        self.assertEqual([], self.make("port", network_id=self.network, fixed_ips=[])["fixed_ips"])
        self.assertEqual(2, len(self.listed("/ports")))

    def test_readdressing_keeps_and_frees(self) -> None:
        port = self.make("port", network_id=self.network)["id"]
        two = [{"subnet_id": self.subnet}, {"subnet_id": self.subnet}]
        body = {"port": {"fixed_ips": two}}
        found = self.call("PUT", f"/ports/{port}", body)["port"]["fixed_ips"]
        self.assertEqual(["10.1.0.2", "10.1.0.3"], [fixed["ip_address"] for fixed in found])
        body = {"port": {"fixed_ips": [{"ip_address": "10.1.0.3"}]}}
        self.call("PUT", f"/ports/{port}", body)
        self.assertEqual("10.1.0.2", self.make("port", network_id=self.network)["fixed_ips"][0]["ip_address"])

    def test_mac_addresses(self) -> None:
        mac = "FA:16:3E:00:00:01"
        port = self.make("port", network_id=self.network, mac_address=mac)
        self.assertEqual(mac.lower(), port["mac_address"])
        body = {"port": {"network_id": self.network, "mac_address": mac}}
        self.refused("MacAddressInUse", 409, "POST", "/ports", body)
        self.refused(
            "PolicyNotAuthorized", 403, "PUT", f"/ports/{port['id']}", {"port": {"mac_address": mac[:-1] + "2"}}
        )

    def test_security_groups_and_port_security(self) -> None:
        (default,) = self.listed("/security-groups")
        self.assertEqual([default], self.make("port", network_id=self.network)["security_groups"])
        theirs = self.make("security_group", name="x", project=BOB)["id"]
        for wrong in (theirs, "nope"):
            body = {"port": {"network_id": self.network, "security_groups": [wrong]}}
            self.refused("SecurityGroupNotFound", 404, "POST", "/ports", body)
        body = {"port": {"network_id": self.network, "security_groups": [default], "port_security_enabled": False}}
        self.refused("PortSecurityAndIPRequiredForSecurityGroups", 400, "POST", "/ports", body)
        bare = self.make("port", network_id=self.network, port_security_enabled=False)
        self.assertEqual([], bare["security_groups"])
        self.refused("SecurityGroupInUse", 409, "DELETE", f"/security-groups/{default}", None, ADMIN)

    def test_binding_is_for_admins(self) -> None:
        body = {"port": {"network_id": self.network, "binding:host_id": "h"}}
        self.refused("PolicyNotAuthorized", 403, "POST", "/ports", body)
        port = self.make("port", network_id=self.network, project=ADMIN, **{"binding:host_id": "h"})
        self.assertEqual(
            ("ACTIVE", "h", "other"), tuple(port[k] for k in ("status", "binding:host_id", "binding:vif_type"))
        )
        for owner in ("network:router_interface", "network:floatingip"):
            body = {"port": {"network_id": self.network, "device_owner": owner}}
            self.refused("Forbidden", 403, "POST", "/ports", body)

    def test_bindings_of_several_hosts(self) -> None:
        port = self.make("port", network_id=self.network, project=ADMIN, **{"binding:host_id": "h1"})["id"]
        path = f"/ports/{port}/bindings"
        self.call("GET", path, status=403)
        self.call("POST", path, {"binding": {"host": "h2"}}, project=ADMIN)
        self.refused("PortBindingAlreadyExists", 409, "POST", path, {"binding": {"host": "h2"}}, ADMIN)
        self.call("PUT", path + "/h2/activate", project=ADMIN)
        found = {each["host"]: each["status"] for each in self.call("GET", path, project=ADMIN)["bindings"]}
        self.assertEqual({"h1": "INACTIVE", "h2": "ACTIVE"}, found)
        self.call("DELETE", path + "/h1", project=ADMIN)
        self.refused("PortBindingNotFound", 404, "DELETE", path + "/h1", None, ADMIN)

    def test_compute_hears_of_its_ports(self) -> None:
        (vif,) = self.boot(NetworkRequest(network_id=self.network))
        self.assertEqual([], self.events)
        path = f"/ports/{vif.port_id}"
        self.call("PUT", path, {"port": {"description": "quiet"}})
        self.assertEqual([], self.events)
        self.call("PUT", path, {"port": {"name": "loud"}})
        self.call("PUT", path, {"port": {"fixed_ips": [{"ip_address": "10.1.0.50"}]}})
        self.call("DELETE", path)
        self.assertEqual(["network-changed", "network-changed", "network-vif-deleted"], [e.name for e in self.events])
        self.assertEqual({("server-1", vif.port_id)}, {(e.server_uuid, e.tag) for e in self.events})

    def test_the_owner_of_a_network_sees_all_its_ports(self) -> None:
        network, _subnet = self.make_net("10.8.0.0/24", project=ADMIN, shared=True)
        mine = self.make("port", network_id=network)["id"]
        self.assertEqual([], self.listed(f"/ports?network_id={network}", BOB))
        self.assertEqual([mine], self.listed(f"/ports?network_id={network}", ALICE))
