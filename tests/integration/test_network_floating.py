# SPDX-License-Identifier: Apache-2.0
"""From the books to the wire: a router, a floating address and a rule, made as by the API, and packets that follow."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from minicloud.builtin.network.db import routers, security_groups
from minicloud.builtin.network.manager.core import Unit
from minicloud.builtin.network.manager.floating_ips import FloatingIpManager
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.routers import RouterManager
from minicloud.builtin.network.manager.security_groups import SecurityGroupRuleManager
from minicloud.builtin.network.manager.subnets import SubnetManager
from tests.fixtures.namespaces import run
from tests.fixtures.network_host import connects, inside, pings
from tests.integration.agent_suite import AgentTest, Guest


class TestFloating(AgentTest):
    def setUp(self) -> None:
        super().setUp()
        public = self.make(NetworkManager(), name="public", router_external=True, provider_network_type="flat",
                           provider_physical_network="public")  # fmt: skip
        self.make(SubnetManager(), network_id=public.id, cidr="203.0.113.0/24", ip_version=4, enable_dhcp=False)
        self.public = public
        self.net = self.make(NetworkManager(), name="inside")
        self.subnet = self.make(SubnetManager(), network_id=self.net.id, cidr="192.0.2.0/24", ip_version=4)
        gateway = {"network_id": public.id}
        self.router = self.make(RouterManager(), name="router", external_gateway_info=gateway)
        self.change(lambda unit: RouterManager().add_interface(unit, self.router, {"subnet_id": self.subnet.id}))
        self.guest_ = self.guest(self.net.id)
        self.until(lambda: self.guest_.ask().get("ip"), "address")

    def change(self, work: Callable[[Unit], Any]) -> Any:
        return self.core().run(self.ctxt, work)

    def status(self, floating_id: str) -> str:
        with self.core().reading(self.ctxt) as unit:
            return str(routers.floating_ips.get(unit.conn, floating_id).status)

    def listen(self, guest: Guest, port: int) -> None:
        with inside(guest.namespace):
            server = socket.create_server(("0.0.0.0", port))
        self.addCleanup(server.close)

    def reaches(self, address: str, port: int) -> bool:
        with socket.socket() as client:
            return connects(client, address, port, 0.5)

    def test_a_floating_address_leads_to_a_guest_as_far_as_its_rules_allow(self) -> None:
        self.listen(self.guest_, 2200)
        floating = self.make(FloatingIpManager(), floating_network_id=self.public.id, port_id=self.guest_.vif.port_id)
        address = floating.floating_ip_address
        gateway = f"mcrouter-{self.router.id}"
        self.assertEqual("DOWN", floating.status)
        self.until(lambda: self.status(floating.id) == "ACTIVE", "the floating address is up")
        self.assertIn(address, run("ip", "address", namespace=gateway))
        self.assertFalse(self.reaches(address, 2200))
        with self.core().reading(self.ctxt) as unit:
            group = security_groups.default_id(unit.conn, self.ctxt.project_id)
        rule = self.make(SecurityGroupRuleManager(), security_group_id=group, direction="ingress", ethertype="IPv4",
                         protocol="tcp", port_range_min=2200, port_range_max=2200)  # fmt: skip
        self.until(lambda: self.reaches(address, 2200), "the port is open")
        self.assertTrue(pings("203.0.113.1", namespace=self.guest_.namespace))
        self.change(lambda unit: SecurityGroupRuleManager().delete(unit, rule))
        self.until(lambda: not self.reaches(address, 2200), "the port is shut")
        self.assertEqual({}, self.agent.agent.problems)
