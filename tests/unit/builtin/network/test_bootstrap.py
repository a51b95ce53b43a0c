# SPDX-License-Identifier: Apache-2.0
"""The first start, and the schema on every database."""

from __future__ import annotations

from minicloud.builtin.network.bootstrap import bootstrap
from minicloud.builtin.network.db import networks
from minicloud.objects import NetworkRequest
from tests.fixtures import databases
from tests.unit.builtin.network.base import ADMIN, ALICE, NetworkTestCase, ctxt_of


class BootstrapTest(NetworkTestCase):
    def test_a_server_can_boot_and_a_second_start_is_harmless(self) -> None:
        for _ in range(2):
            bootstrap(self.conf, self.db, admin_project=ADMIN, demo_project=ALICE)
        networks = {each["name"]: each for each in self.call("GET", "/networks")["networks"]}
        self.assertEqual({"public", "private"}, set(networks))
        self.assertTrue(networks["public"]["router:external"])
        (router,) = self.call("GET", "/routers")["routers"]
        self.assertEqual(networks["public"]["id"], router["external_gateway_info"]["network_id"])
        found = self.resolver.resolve(ctxt_of(ALICE), [], "", [], 1)
        self.assertEqual((NetworkRequest(network_id=networks["private"]["id"]),), found.requests)
        (vif,) = self.boot(*found.requests)
        floating = self.make("floatingip", floating_network_id=networks["public"]["id"], port_id=vif.port_id)
        self.assertEqual("ACTIVE", floating["status"])
        rules = self.call("GET", "/security-group-rules?direction=ingress&remote_group_id=None")["security_group_rules"]
        self.assertEqual([("tcp", 22), ("icmp", None)], [(rule["protocol"], rule["port_range_min"]) for rule in rules])

    def test_what_was_taken_away_stays_away(self) -> None:
        bootstrap(self.conf, self.db, admin_project=ADMIN, demo_project=ALICE)
        private = self.call("GET", "/networks?name=private")["networks"][0]
        (router,) = self.listed("/routers")
        self.call("PUT", f"/routers/{router}/remove_router_interface", {"subnet_id": private["subnets"][0]})
        self.call("DELETE", f"/networks/{private['id']}")
        bootstrap(self.conf, self.db, admin_project=ADMIN, demo_project=ALICE)
        self.assertEqual([], self.listed("/networks?name=private"))


class EveryDatabaseTest(NetworkTestCase):
    def check(self, server: str) -> None:
        db = databases.new_database(self, server)
        for _ in range(2):
            bootstrap(self.conf, db, admin_project=ADMIN, demo_project=ALICE)
        with db.reader() as conn:
            self.assertTrue(networks.any_there(conn))

    def test_mariadb(self) -> None:
        self.check("MariaDB")

    def test_postgresql(self) -> None:
        self.check("PostgreSQL")
