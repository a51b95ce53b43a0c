# SPDX-License-Identifier: Apache-2.0
"""Networks and subnets over the API; tenancy, filters, pages and tags, which all resources share."""

from __future__ import annotations

from urllib.parse import quote

from tests.unit.builtin.network.base import ADMIN, ALICE, BOB, NetworkTestCase


class NetworkTest(NetworkTestCase):
    def test_answer_has_what_clients_read(self) -> None:
        network = self.make("network", name="n")
        self.assertEqual((ALICE, ALICE), (network["project_id"], network["tenant_id"]))
        self.assertEqual(
            (False, False, "ACTIVE", []), tuple(network[k] for k in ("shared", "router:external", "status", "subnets"))
        )
        self.assertRegex(network["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertNotIn("provider:network_type", network)
        self.assertIn("provider:network_type", self.call("GET", f"/networks/{network['id']}", project=ADMIN)["network"])

    def test_update_counts_revisions(self) -> None:
        network = self.make("network", name="n")
        changed = self.call("PUT", f"/networks/{network['id']}", {"network": {"name": "m"}})["network"]
        self.assertEqual(("m", network["revision_number"] + 1), (changed["name"], changed["revision_number"]))

    def test_bulk_is_all_or_nothing(self) -> None:
        made = self.call("POST", "/networks", {"networks": [{"name": "a"}, {"name": "b"}]})["networks"]
        self.assertEqual(["a", "b"], [network["name"] for network in made])
        self.call("PUT", f"/quotas/{ALICE}", {"quota": {"network": 3}}, project=ADMIN)
        self.refused("OverQuota", 409, "POST", "/networks", {"networks": [{"name": "c"}, {"name": "d"}]})
        self.assertEqual(2, len(self.listed("/networks")))

    def test_projects_do_not_see_each_other(self) -> None:
        mine, subnet = self.make_net()
        port = self.make("port", network_id=mine)["id"]
        for path in (f"/networks/{mine}", f"/subnets/{subnet}", f"/ports/{port}"):
            self.call("GET", path, project=BOB, status=404)
            self.call("DELETE", path, project=BOB, status=404)
            self.call("PUT", path + "/tags/x", project=BOB, status=404)
        self.assertEqual([], self.listed("/networks", BOB) + self.listed("/subnets", BOB) + self.listed("/ports", BOB))
        self.assertEqual([mine], self.listed("/networks", ADMIN))
        self.refused("NetworkNotFound", 404, "POST", "/ports", {"port": {"network_id": mine}}, BOB)
        body = {"subnet": {"network_id": mine, "cidr": "10.7.0.0/24", "ip_version": 4}}
        self.refused("NetworkNotFound", 404, "POST", "/subnets", body, BOB)

    def test_shared_and_external_are_seen_and_not_changed(self) -> None:
        shared, _subnet = self.make_net(project=ADMIN, shared=True)
        public = self.make_public()
        self.assertEqual({shared, public}, set(self.listed("/networks", BOB)))
        self.assertEqual([public], self.listed("/networks?router:external=True", BOB))
        self.assertEqual([shared], self.listed("/networks?shared=true&router:external=0", BOB))
        self.refused("PolicyNotAuthorized", 403, "PUT", f"/networks/{public}", {"network": {"name": "x"}}, BOB)
        self.refused("PolicyNotAuthorized", 403, "DELETE", f"/networks/{public}", None, BOB)
        self.refused("PolicyNotAuthorized", 403, "POST", "/networks", {"network": {"shared": True}}, BOB)
        self.make("network", project=BOB, shared=False)
        self.make("port", project=BOB, network_id=shared)
        self.refused("InvalidSharedSetting", 409, "PUT", f"/networks/{shared}", {"network": {"shared": False}}, ADMIN)

    def test_readers_only_read_and_strangers_nothing(self) -> None:
        mine = self.make("network")["id"]
        self.call("GET", f"/networks/{mine}", project=f"reader:{ALICE}")
        self.refused("PolicyNotAuthorized", 403, "POST", "/networks", {"network": {}}, f"reader:{ALICE}")
        self.refused("PolicyNotAuthorized", 403, "DELETE", f"/networks/{mine}", None, f"reader:{ALICE}")
        self.refused("Unauthorized", 401, "GET", "/networks", None, "nobody")

    def test_for_another_project_only_by_admin(self) -> None:
        self.refused("PolicyNotAuthorized", 403, "POST", "/networks", {"network": {"project_id": BOB}})
        made = self.make("network", project=ADMIN, project_id=BOB)
        self.assertEqual([made["id"]], self.listed("/networks", BOB))
        own = self.make("network")["id"]
        body = {"subnet": {"network_id": own, "cidr": "10.7.0.0/24", "ip_version": 4, "project_id": BOB}}
        self.refused("PolicyNotAuthorized", 403, "POST", "/subnets", body)

    def test_in_use(self) -> None:
        network, subnet = self.make_net()
        self.make("port", network_id=network)
        self.refused("NetworkInUse", 409, "DELETE", f"/networks/{network}")
        self.refused("SubnetInUse", 409, "DELETE", f"/subnets/{subnet}")

    def test_delete_takes_its_subnets(self) -> None:
        network, _subnet = self.make_net()
        self.call("DELETE", f"/networks/{network}")
        self.assertEqual([], self.listed("/subnets"))
        self.refused("NetworkNotFound", 404, "DELETE", f"/networks/{network}")

    def test_an_external_network_goes_with_its_idle_addresses(self) -> None:
        public = self.make_public()
        self.make("floatingip", floating_network_id=public)
        self.assertEqual([], self.listed(f"/subnets?network_id={public}"))
        self.call("DELETE", f"/networks/{public}", project=ADMIN)
        self.assertEqual([], self.listed("/floatingips"))

    def test_hostile_bodies(self) -> None:
        for body in ({}, {"network": []}, {"network": {"nope": 1}}, {"network": {"name": "x" * 256}}, [], "x", 7,
                     {"network": {"admin_state_up": "maybe"}}, {"networks": []}, {"network": {}, "networks": [{}]},
                     {"network": {"mtu": -1}}, {"network": {"name": {"a": 1}}}):  # fmt: skip
            self.call("POST", "/networks", body, status=400)


class ListTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ids = [self.make("network", name=name)["id"] for name in ("c", "a", "b", "a")]

    def names(self, query: str) -> list[str]:
        return [network["name"] for network in self.call("GET", f"/networks?{query}")["networks"]]

    def test_filters(self) -> None:
        self.assertEqual(["a", "a"], self.names("name=a"))
        self.assertEqual(["c", "b"], self.names(f"id={self.ids[0]}&id={self.ids[2]}"))
        self.assertEqual([], self.names(f"name=a&id={self.ids[0]}"))
        self.assertEqual([], self.names(f"project_id={BOB}"))
        self.assertEqual(4, len(self.names(f"tenant_id={ALICE}")))
        self.assertEqual([], self.names("admin_state_up=False"))
        self.assertEqual([4, 0, 0], [len(self.names(f"status={status}")) for status in ("ACTIVE", "DOWN", "BUILD")])
        self.assertEqual(4, len(self.names("mtu=1500&unknown=1")))
        self.call("GET", "/networks?mtu=many", status=400)

    def test_fields(self) -> None:
        answer = self.call("GET", "/networks?fields=id&fields=name")["networks"]
        self.assertEqual({"id", "name"}, set(answer[0]))

    def test_sort(self) -> None:
        self.assertEqual(["c", "a", "b", "a"], self.names(""))
        self.assertEqual(["a", "a", "b", "c"], self.names("sort_key=name"))
        self.assertEqual(["c", "b", "a", "a"], self.names("sort_key=name&sort_dir=desc"))
        self.call("GET", "/networks?sort_key=nope", status=400)
        self.call("GET", "/networks?sort_key=name&sort_dir=up", status=400)

    def test_pages_meet_all_once_both_ways(self) -> None:
        for query in ("limit=1", "limit=3&sort_key=name", "limit=2&sort_key=name&sort_dir=desc"):
            seen: list[str] = []
            path = f"/networks?{query}"
            while path:
                answer = self.call("GET", path)
                seen += [network["id"] for network in answer["networks"]]
                following = [link["href"] for link in answer.get("networks_links", ()) if link["rel"] == "next"]
                path = following[0].split("/v2.0")[1] if following else ""
            self.assertEqual(sorted(self.ids), sorted(seen), query)
        back = self.call("GET", f"/networks?limit=2&marker={self.ids[3]}&page_reverse=True")
        self.assertEqual(self.ids[1:3], [network["id"] for network in back["networks"]])
        self.refused("InvalidMarker", 400, "GET", "/networks?limit=1&marker=nope")

    def test_tags(self) -> None:
        first, second = self.ids[:2]
        self.assertEqual(
            ["blue", "red"], self.call("PUT", f"/networks/{first}/tags", {"tags": ["red", "blue", "red"]})["tags"]
        )
        self.call("PUT", f"/networks/{second}/tags/red", status=201)
        self.assertEqual([first], self.listed("/networks?tags=red,blue"))
        self.assertEqual([first, second], self.listed("/networks?tags-any=red,blue"))
        self.assertEqual(self.ids[1:], self.listed("/networks?not-tags=red,blue"))
        self.assertEqual(self.ids[2:], self.listed("/networks?not-tags-any=red,blue"))
        self.call("GET", f"/networks/{second}/tags/red", status=204)
        self.call("DELETE", f"/networks/{second}/tags/red")
        self.refused("TagNotFound", 404, "DELETE", f"/networks/{second}/tags/red")
        self.call("DELETE", f"/networks/{first}/tags")
        self.assertEqual({"tags": []}, self.call("GET", f"/networks/{first}/tags"))
        self.call("PUT", f"/networks/{first}/tags", {"tags": ["a,b"]}, status=400)


class SubnetTest(NetworkTestCase):
    def test_refusals(self) -> None:
        network, _subnet = self.make_net("10.1.0.0/24")
        with_gateway = [{"start": "10.2.0.1", "end": "10.2.0.9"}]
        twice = [{"start": "10.2.0.3", "end": "10.2.0.9"}, {"start": "10.2.0.9", "end": "10.2.0.20"}]
        for kind, status, values in (
            ("InvalidInput", 400, {"cidr": "10.1.0.128/25"}),
            ("InvalidInput", 400, {"cidr": "fd00::/64"}),
            ("InvalidInput", 400, {"cidr": "10.2.0.0/24", "gateway_ip": "10.3.0.1"}),
            ("InvalidInput", 400, {"cidr": "10.2.0.0/24", "ipv6_ra_mode": "slaac"}),
            ("InvalidInput", 400, {"cidr": "10.2.0.0/24", "dns_nameservers": ["fd00::1"]}),
            ("ValidationError", 400, {"cidr": "10.2.0.0"}),
            ("ValidationError", 400, {"cidr": "10.2.0.0/33"}),
            ("OutOfBoundsAllocationPool", 400, {"allocation_pools": [{"start": "10.2.0.2", "end": "10.3.0.9"}]}),
            ("InvalidAllocationPool", 400, {"allocation_pools": [{"start": "10.2.0.9", "end": "10.2.0.2"}]}),
            ("GatewayConflictWithAllocationPools", 409, {"allocation_pools": with_gateway}),
            ("OverlappingAllocationPools", 409, {"allocation_pools": twice}),
        ):
            body = {"network_id": network, "ip_version": 4, "cidr": "10.2.0.0/24", **values}
            self.refused(kind, status, "POST", "/subnets", {"subnet": body})

    def test_no_gateway_and_own_pools(self) -> None:
        network = self.make("network")["id"]
        pools = [{"start": "10.2.0.10", "end": "10.2.0.11"}]
        subnet = self.make(
            "subnet", network_id=network, cidr="10.2.0.7/24", ip_version=4, gateway_ip=None, allocation_pools=pools
        )
        self.assertEqual(
            ("10.2.0.0/24", None, pools), (subnet["cidr"], subnet["gateway_ip"], subnet["allocation_pools"])
        )
        self.assertEqual("10.2.0.10", self.make("port", network_id=network)["fixed_ips"][0]["ip_address"])

    def test_addresses_that_hosts_made_do_not_hold_a_subnet(self) -> None:
        network, _subnet = self.make_net()
        slaac = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        subnet = self.make("subnet", network_id=network, cidr="fd01::/64", ip_version=6, **slaac)["id"]
        port = self.make("port", network_id=network)["id"]
        router = self.make("router")["id"]
        self.call("PUT", f"/routers/{router}/add_router_interface", {"subnet_id": subnet})
        self.refused("SubnetInUse", 409, "DELETE", f"/subnets/{subnet}")
        self.call("PUT", f"/routers/{router}/remove_router_interface", {"subnet_id": subnet})
        self.call("DELETE", f"/subnets/{subnet}")
        self.assertEqual(1, len(self.call("GET", f"/ports/{port}")["port"]["fixed_ips"]))

    def test_update(self) -> None:
        _network, subnet = self.make_net()
        pools = [{"start": "10.1.0.2", "end": "10.1.0.99"}]
        changes = {"name": "s", "dns_nameservers": ["1.1.1.1"], "enable_dhcp": False, "gateway_ip": "10.1.0.254"}
        body = {"subnet": {**changes, "allocation_pools": pools}}
        changed = self.call("PUT", f"/subnets/{subnet}", body)["subnet"]
        self.assertEqual(body["subnet"], {key: changed[key] for key in body["subnet"]})
        self.call("PUT", f"/subnets/{subnet}", {"subnet": {"cidr": "10.9.0.0/24"}}, status=400)


class OtherTest(NetworkTestCase):
    def test_versions_need_no_token_and_extensions_are_honest(self) -> None:
        names = [each["name"] for each in self.call("GET", "", project="nobody")["resources"]]
        self.assertIn("security_group", names)
        aliases = [each["alias"] for each in self.call("GET", "/extensions")["extensions"]]
        self.assertIn("security-group", aliases)
        self.assertNotIn("external-gateway-multihoming", aliases)
        self.call("GET", "/extensions/router")
        self.refused("ExtensionNotFound", 404, "GET", "/extensions/external-gateway-multihoming")

    def test_quotas(self) -> None:
        self.make("network")
        details = self.call("GET", f"/quotas/{ALICE}/details")["quota"]
        self.assertEqual({"limit": 100, "used": 1, "reserved": 0}, details["network"])
        self.refused("PolicyNotAuthorized", 403, "PUT", f"/quotas/{ALICE}", {"quota": {"network": 1}})
        self.refused("PolicyNotAuthorized", 403, "GET", f"/quotas/{BOB}")
        self.call("PUT", f"/quotas/{ALICE}", {"quota": {"network": 1}}, project=ADMIN)
        self.assertEqual(1, self.call("GET", f"/quotas/{ALICE}")["quota"]["network"])
        self.assertEqual(100, self.call("GET", f"/quotas/{ALICE}/default")["quota"]["network"])
        self.refused("OverQuota", 409, "POST", "/networks", {"network": {}})
        self.refused("BadRequest", 400, "PUT", f"/quotas/{'x' * 65}", {"quota": {"network": 1}}, ADMIN)
        self.call("DELETE", f"/quotas/{ALICE}", project=ADMIN)
        self.make("network")

    def test_filters_by_moment(self) -> None:
        made = self.make("network")
        self.assertEqual([], self.call("GET", "/networks?created_at=2001-01-01T00:00:00Z")["networks"])
        self.assertEqual([made["id"]], [one["id"] for one in self.call("GET", "/networks")["networks"]])
        for text in ("yesterday", "\u00b2"):
            self.refused("BadRequest", 400, "GET", f"/networks?created_at={quote(text)}")
        self.refused("BadRequest", 400, "GET", f"/networks?revision_number={quote(chr(0xB2))}")

    def test_ip_availability(self) -> None:
        network, _subnet = self.make_net()
        self.make("port", network_id=network)
        (row,) = self.call("GET", "/network-ip-availabilities", project=ADMIN)["network_ip_availabilities"]
        self.assertEqual((253, 1), (row["total_ips"], row["used_ips"]))
        self.call("GET", "/network-ip-availabilities", status=403)

    def test_auto_allocated_topology(self) -> None:
        self.refused("NoDefaultExternalNetwork", 409, "GET", "/auto-allocated-topology/null?fields=dry-run")
        self.make_public()
        dry = self.call("GET", "/auto-allocated-topology/null?fields=dry-run")["auto_allocated_topology"]
        self.assertEqual("dry-run=pass", dry["id"])
        made = self.call("GET", f"/auto-allocated-topology/{ALICE}")["auto_allocated_topology"]["id"]
        self.call("GET", f"/networks/{made}")
        self.refused("PolicyNotAuthorized", 403, "GET", f"/auto-allocated-topology/{ALICE}", None, BOB)
        self.call("DELETE", f"/auto-allocated-topology/{ALICE}")
        self.assertEqual([], self.listed("/routers"))
