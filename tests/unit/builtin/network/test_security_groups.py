# SPDX-License-Identifier: Apache-2.0
"""Security groups and rules over the API."""

from __future__ import annotations

from typing import Any

from tests.unit.builtin.network.base import ADMIN, BOB, NetworkTestCase


class SecurityGroupTest(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.group = self.make("security_group", name="web")["id"]

    def rule(self, **values: Any) -> dict[str, Any]:
        return {"security_group_rule": {"security_group_id": self.group, "direction": "ingress", **values}}

    def test_the_default_group_is_there_unasked(self) -> None:
        (group,) = self.call("GET", "/security-groups?name=default", project=BOB)["security_groups"]
        found = sorted(
            (r["direction"], r["ethertype"], r["remote_group_id"])
            for r in group["security_group_rules"]
            if r["direction"] == "ingress"
        )
        self.assertEqual([("ingress", "IPv4", group["id"]), ("ingress", "IPv6", group["id"])], found)
        self.assertEqual(4, len(group["security_group_rules"]))
        path = f"/security-groups/{group['id']}"
        self.refused("SecurityGroupCannotRemoveDefault", 409, "DELETE", path, None, BOB)
        self.refused("SecurityGroupCannotUpdateDefault", 409, "PUT", path, {"security_group": {"name": "x"}}, BOB)
        self.refused(
            "SecurityGroupDefaultAlreadyExists",
            409,
            "POST",
            "/security-groups",
            {"security_group": {"name": "default"}},
            BOB,
        )
        self.call("DELETE", path, project=ADMIN)
        self.assertEqual(1, len(self.listed("/security-groups", BOB)))

    def test_rules_of_a_new_group_let_out(self) -> None:
        rules = self.call("GET", f"/security-groups/{self.group}")["security_group"]["security_group_rules"]
        self.assertEqual(
            [("egress", "IPv4"), ("egress", "IPv6")], sorted((r["direction"], r["ethertype"]) for r in rules)
        )

    def test_rules(self) -> None:
        made = self.call(
            "POST", "/security-group-rules", self.rule(protocol="tcp", port_range_min="22", port_range_max=22)
        )
        rule = made["security_group_rule"]
        self.assertEqual((22, 22, "IPv4"), (rule["port_range_min"], rule["port_range_max"], rule["ethertype"]))
        message = self.refused(
            "SecurityGroupRuleExists",
            409,
            "POST",
            "/security-group-rules",
            self.rule(protocol="TCP", port_range_min=22, port_range_max=22),
        )
        self.assertIn(rule["id"], message)
        self.assertEqual(
            [rule["id"]], self.listed(f"/security-group-rules?security_group_id={self.group}&direction=ingress")
        )
        self.call("GET", f"/security-group-rules/{rule['id']}", project=BOB, status=404)
        self.call("DELETE", f"/security-group-rules/{rule['id']}", project=BOB, status=404)
        self.call("DELETE", f"/security-group-rules/{rule['id']}")
        host = self.call("POST", "/security-group-rules", self.rule(remote_ip_prefix="10.0.0.7"))["security_group_rule"]
        self.assertEqual("10.0.0.7/32", host["remote_ip_prefix"])

    def test_rules_that_make_no_sense(self) -> None:
        for kind, values in (
            ("SecurityGroupProtocolRequiredWithPorts", {"port_range_min": 1, "port_range_max": 2}),
            ("SecurityGroupInvalidPortRange", {"protocol": "tcp", "port_range_min": 9, "port_range_max": 2}),
            ("SecurityGroupInvalidPortRange", {"protocol": "udp", "port_range_min": 9}),
            ("SecurityGroupInvalidPortValue", {"protocol": "tcp", "port_range_min": 0, "port_range_max": 2}),
            ("SecurityGroupInvalidProtocolForPort", {"protocol": "esp", "port_range_min": 1, "port_range_max": 2}),
            ("SecurityGroupInvalidIcmpValue", {"protocol": "icmp", "port_range_min": 256}),
            ("SecurityGroupMissingIcmpType", {"protocol": "icmp", "port_range_max": 1}),
            ("SecurityGroupRuleInvalidProtocol", {"protocol": "bogus"}),
            ("SecurityGroupRuleInvalidProtocol", {"protocol": 256}),
            ("SecurityGroupRuleParameterConflict", {"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}),
            ("SecurityGroupRemoteGroupAndRemoteIpPrefix", {"remote_group_id": self.group, "remote_ip_prefix": "::/0"}),
            ("ValidationError", {"direction": "sideways"}),
            ("ValidationError", {"remote_ip_prefix": "10.0.0.0/99"}),
        ):
            self.refused(kind, 400, "POST", "/security-group-rules", self.rule(**values))

    def test_others_groups(self) -> None:
        theirs = self.make("security_group", name="theirs", project=BOB)["id"]
        self.refused("SecurityGroupNotFound", 404, "POST", "/security-group-rules", self.rule(security_group_id=theirs))
        self.refused("SecurityGroupNotFound", 404, "POST", "/security-group-rules", self.rule(remote_group_id=theirs))
        self.call("GET", f"/security-groups/{theirs}", status=404)

    def test_none_is_shared(self) -> None:
        self.assertEqual([], self.listed("/security-groups?shared=True"))
        self.assertEqual(2, len(self.listed("/security-groups?shared=False")))

    def test_bulk(self) -> None:
        bodies = [
            self.rule(protocol="tcp", port_range_min=n, port_range_max=n)["security_group_rule"] for n in (80, 81)
        ]
        made = self.call("POST", "/security-group-rules", {"security_group_rules": bodies})["security_group_rules"]
        self.assertEqual([80, 81], [rule["port_range_min"] for rule in made])
