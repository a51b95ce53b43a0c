# SPDX-License-Identifier: Apache-2.0
"""Routers and floating addresses over the API."""

from __future__ import annotations

from tests.unit.builtin.network.base import ADMIN, ALICE, BOB, NetworkTestCase


class RouterTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.public = self.make_public()
        self.network, self.subnet = self.make_net()
        self.router = self.make("router", name="r", external_gateway_info={"network_id": self.public})["id"]
        self.path = f"/routers/{self.router}"

    def interface(self, verb: str = "add", status: int = 200, **values: str) -> dict[str, str]:
        answer: dict[str, str] = self.call("PUT", f"{self.path}/{verb}_router_interface", values, status=status)
        return answer

    def test_interface_by_subnet(self) -> None:
        answer = self.interface(subnet_id=self.subnet)
        self.assertEqual((self.router, self.subnet, ALICE), (answer["id"], answer["subnet_id"], answer["tenant_id"]))
        port = self.call("GET", f"/ports/{answer['port_id']}")["port"]
        self.assertEqual("10.1.0.1", port["fixed_ips"][0]["ip_address"])
        self.assertEqual(
            ("network:router_interface", "ACTIVE", []),
            tuple(port[k] for k in ("device_owner", "status", "security_groups")),
        )
        self.refused("BadRequest", 400, "PUT", f"{self.path}/add_router_interface", {"subnet_id": self.subnet})
        self.refused("ServicePortInUse", 409, "DELETE", f"/ports/{port['id']}")
        self.refused("RouterInUse", 409, "DELETE", self.path)
        self.interface("remove", subnet_id=self.subnet)
        self.refused(
            "RouterInterfaceNotFoundForSubnet",
            404,
            "PUT",
            f"{self.path}/remove_router_interface",
            {"subnet_id": self.subnet},
        )
        self.call("DELETE", self.path)
        self.assertEqual([], self.listed("/ports", ADMIN))

    def test_interface_by_port(self) -> None:
        port = self.make("port", network_id=self.network)["id"]
        self.interface(port_id=port)
        other = self.make("router")["id"]
        self.refused("PortInUse", 409, "PUT", f"/routers/{other}/add_router_interface", {"port_id": port})
        self.interface("remove", port_id=port)
        self.refused("RouterInterfaceNotFound", 404, "PUT", f"{self.path}/remove_router_interface", {"port_id": port})
        self.interface(status=400)

    def test_overlap_and_others_subnets(self) -> None:
        self.interface(subnet_id=self.subnet)
        _network, twin = self.make_net("10.1.0.128/25")
        message = self.refused("BadRequest", 400, "PUT", f"{self.path}/add_router_interface", {"subnet_id": twin})
        self.assertIn("overlaps", message)
        _network, theirs = self.make_net("10.7.0.0/24", project=BOB)
        self.refused("SubnetNotFound", 404, "PUT", f"{self.path}/add_router_interface", {"subnet_id": theirs})
        self.refused("RouterNotFound", 404, "PUT", f"{self.path}/add_router_interface", {"subnet_id": theirs}, BOB)

    def test_gateway(self) -> None:
        info = self.call("GET", self.path)["router"]["external_gateway_info"]
        self.assertEqual(
            (self.public, True, 1), (info["network_id"], info["enable_snat"], len(info["external_fixed_ips"]))
        )
        self.refused(
            "InvalidInput", 400, "PUT", self.path, {"router": {"external_gateway_info": {"network_id": self.network}}}
        )
        wish = {"network_id": self.public, "external_fixed_ips": [{"ip_address": "172.24.4.99"}]}
        moved = self.call("PUT", self.path, {"router": {"external_gateway_info": wish}})["router"]
        self.assertEqual("172.24.4.99", moved["external_gateway_info"]["external_fixed_ips"][0]["ip_address"])
        cleared = self.call("PUT", self.path, {"router": {"external_gateway_info": {}}})["router"]
        self.assertIsNone(cleared["external_gateway_info"])
        self.assertEqual([], self.listed(f"/ports?network_id={self.public}", ADMIN))

    def test_routes(self) -> None:
        self.interface(subnet_id=self.subnet)
        route = {"destination": "10.50.0.0/16", "nexthop": "10.1.0.9"}
        self.assertEqual([route], self.call("PUT", self.path, {"router": {"routes": [route]}})["router"]["routes"])
        for hop in ("10.60.0.1", "10.1.0.1"):
            self.refused("InvalidRoutes", 400, "PUT", self.path, {"router": {"routes": [{**route, "nexthop": hop}]}})
        self.refused(
            "RouterInterfaceInUseByRoute",
            409,
            "PUT",
            f"{self.path}/remove_router_interface",
            {"subnet_id": self.subnet},
        )
        more = {"destination": "10.51.0.0/16", "nexthop": "10.1.0.9"}
        both = self.call("PUT", f"{self.path}/add_extraroutes", {"router": {"routes": [more]}})["router"]["routes"]
        self.assertEqual([route, more], both)
        self.call("PUT", f"{self.path}/remove_extraroutes", {"router": {"routes": [route, more]}})
        self.assertEqual([], self.call("GET", self.path)["router"]["routes"])


class FloatingIpTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.public = self.make_public()
        self.network, self.subnet = self.make_net()
        self.router = self.make("router", external_gateway_info={"network_id": self.public})["id"]
        self.call("PUT", f"/routers/{self.router}/add_router_interface", {"subnet_id": self.subnet})
        self.port = self.make("port", network_id=self.network)["id"]

    def test_life(self) -> None:
        floating = self.make("floatingip", floating_network_id=self.public)
        self.assertEqual(("DOWN", None, None), tuple(floating[k] for k in ("status", "port_id", "router_id")))
        self.assertNotIn("subnet_id", floating)
        path = f"/floatingips/{floating['id']}"
        led = self.call("PUT", path, {"floatingip": {"port_id": self.port}})["floatingip"]
        self.assertEqual(
            ("ACTIVE", "10.1.0.2", self.router), tuple(led[k] for k in ("status", "fixed_ip_address", "router_id"))
        )
        self.assertEqual([floating["id"]], self.listed(f"/floatingips?port_id={self.port}"))
        self.assertEqual(
            [floating["id"]], self.listed(f"/floatingips?floating_ip_address={floating['floating_ip_address']}")
        )
        self.assertEqual([], self.listed("/floatingips?floating_ip_address=172.24.4.250"))
        self.refused(
            "RouterInterfaceInUseByFloatingIP",
            409,
            "PUT",
            f"/routers/{self.router}/remove_router_interface",
            {"subnet_id": self.subnet},
        )
        self.refused(
            "RouterExternalGatewayInUseByFloatingIp",
            409,
            "PUT",
            f"/routers/{self.router}",
            {"router": {"external_gateway_info": None}},
        )
        free = self.call("PUT", path, {"floatingip": {"port_id": None}})["floatingip"]
        self.assertEqual(("DOWN", None, None), tuple(free[k] for k in ("status", "port_id", "fixed_ip_address")))
        self.call("DELETE", path)
        self.assertEqual(1, len(self.listed(f"/ports?network_id={self.public}", ADMIN)))

    def test_a_port_that_goes_leaves_it(self) -> None:
        floating = self.make("floatingip", floating_network_id=self.public, port_id=self.port)
        self.call("DELETE", f"/ports/{self.port}")
        after = self.call("GET", f"/floatingips/{floating['id']}")["floatingip"]
        self.assertEqual((None, "DOWN"), (after["port_id"], after["status"]))

    def test_refusals(self) -> None:
        self.make("floatingip", floating_network_id=self.public, port_id=self.port)
        island, _subnet = self.make_net("10.9.0.0/24")
        far = self.make("port", network_id=island)["id"]
        net, _subnet = self.make_net("10.10.0.0/24", project=BOB)
        theirs = self.make("port", network_id=net, project=BOB)["id"]
        for kind, status, values in (
            ("FloatingIPPortAlreadyAssociated", 409, {"port_id": self.port}),
            ("ExternalGatewayForFloatingIPNotFound", 404, {"port_id": far}),
            ("PortNotFound", 404, {"port_id": theirs}),
            ("BadRequest", 400, {"floating_network_id": island}),
            ("NetworkNotFound", 404, {"floating_network_id": net}),
            ("BadRequest", 400, {"port_id": self.port, "fixed_ip_address": "10.1.0.77"}),
            ("PolicyNotAuthorized", 403, {"floating_ip_address": "172.24.4.200"}),
        ):
            body = {"floatingip": {"floating_network_id": self.public, **values}}
            self.refused(kind, status, "POST", "/floatingips", body)
        self.assertEqual(1, len(self.listed("/floatingips")))
        self.assertEqual([], self.listed("/floatingips", BOB))

    def test_addresses_in_a_row(self) -> None:
        found = [self.make("floatingip", floating_network_id=self.public)["floating_ip_address"] for _ in range(3)]
        self.assertEqual(["172.24.4.3", "172.24.4.4", "172.24.4.5"], found)
