# SPDX-License-Identifier: Apache-2.0
"""Server groups: their policy by microversion, members, quotas, and whose they are."""

from __future__ import annotations

from typing import Any

from tests.unit.api.base import ApiTest
from tests.unit.api.servers.base import IMAGE
from tests.unit.api.shapes import at, check, sample, schemas, steps

GROUPS = schemas("server_groups")


class ServerGroupsTest(ApiTest):
    def make(self, name: str = "g", policy: str = "affinity", **options: Any) -> str:
        body = {"server_group": {"name": name, "policies": [policy]}}
        return str(self.ok("POST", "/os-server-groups", body, version=15, **options)["server_group"]["id"])

    def names(self, query: str = "", **options: Any) -> list[str]:
        return [one["name"] for one in self.ok("GET", f"/os-server-groups{query}", **options)["server_groups"]]


class Shapes(ServerGroupsTest):
    def test_every_answer(self) -> None:
        for version in steps(GROUPS, "os-server-groups"):
            schema = at(version, GROUPS)
            body = sample("os-server-groups/server-groups-post-req", version)
            made = self.ok("POST", "/os-server-groups", body, version=version)
            check(self, schema.create_show_server_group, made, version)
            self.like_sample("os-server-groups/server-groups-post-resp", made, version)
            shown = self.ok("GET", f"/os-server-groups/{made['server_group']['id']}", version=version)
            self.assertEqual(made, shown)
            listed = self.ok("GET", "/os-server-groups", version=version)
            check(self, schema.list_server_groups, listed, version)
            self.like_sample("os-server-groups/server-groups-list-resp", listed, version)
            self.ok("DELETE", f"/os-server-groups/{made['server_group']['id']}", code=204, version=version)


class Groups(ServerGroupsTest):
    def test_policies_by_microversion(self) -> None:
        def body(policy: str) -> dict[str, Any]:
            return {"server_group": {"name": "g", "policies": [policy]}}

        for policy in ("soft-affinity", "soft-anti-affinity"):
            self.assertIn("policies", self.refused(400, "POST", "/os-server-groups", body(policy), version=14))
            self.ok("POST", "/os-server-groups", body(policy), version=15)
        self.refused(400, "POST", "/os-server-groups", body("affinity"), version=64)
        for policies in ([], ["affinity", "anti-affinity"], ["storm"], "affinity"):
            wrong = {"server_group": {"name": "g", "policies": policies}}
            self.assertIn("policies", self.refused(400, "POST", "/os-server-groups", wrong))

    def test_rules(self) -> None:
        def body(policy: str, rules: Any) -> dict[str, Any]:
            return {"server_group": {"name": "g", "policy": policy, "rules": rules}}

        made = self.ok("POST", "/os-server-groups", body("anti-affinity", {"max_server_per_host": "3"}), version=64)
        self.assertEqual({"max_server_per_host": 3}, made["server_group"]["rules"])
        self.refused(400, "POST", "/os-server-groups", body("affinity", {"max_server_per_host": 3}), version=64)
        wrong: list[Any] = [{"max_server_per_host": 0}, {"max_server_per_host": 2**31}, {"more": 1}, [], None]
        for rules in wrong:
            message = self.refused(400, "POST", "/os-server-groups", body("anti-affinity", rules), version=64)
            self.assertIn("rules", message)

    def test_members_are_those_that_live(self) -> None:
        group = self.make()
        server_id = self.boot_in(group)
        self.assertEqual([server_id], self.ok("GET", f"/os-server-groups/{group}")["server_group"]["members"])
        self.ok("DELETE", f"/servers/{server_id}", code=204)
        self.assertEqual([], self.ok("GET", f"/os-server-groups/{group}")["server_group"]["members"])
        self.assertEqual([], self.ok("GET", "/os-server-groups")["server_groups"][0]["members"])

    def boot_in(self, group: str) -> str:
        body = {
            "server": {"name": "one", "imageRef": IMAGE, "flavorRef": "1"},
            "os:scheduler_hints": {"group": group},
        }
        return str(self.ok("POST", "/servers", body, code=202)["server"]["id"])

    def test_quota(self) -> None:
        self.conf.set_override("server_groups", 1, "quota")
        self.make()
        body = {"server_group": {"name": "g", "policies": ["affinity"]}}
        self.assertIn("too many server groups", self.refused(403, "POST", "/os-server-groups", body))
        self.assertEqual(["g"], self.names())
        self.make(token="other")

    def test_whose(self) -> None:
        group = self.make("mine")
        self.make("theirs", token="other")
        for method in ("GET", "DELETE"):
            self.refused(404, method, f"/os-server-groups/{group}", token="other")
        self.assertEqual(["mine"], self.names())
        self.assertEqual(["theirs"], self.names(token="other"))
        self.assertEqual(["mine", "theirs"], sorted(self.names("?all_projects=True", token="admin")))
        self.refused(403, "GET", "/os-server-groups?all_projects=True")
        self.ok("GET", f"/os-server-groups/{group}", token="admin")
        self.refused(404, "GET", "/os-server-groups/none")

    def test_pages(self) -> None:
        for number in range(4):
            self.make(f"g{number}")
        whole = self.names()
        self.assertEqual(4, len(whole))
        self.assertEqual(whole, self.names("?limit=3") + self.names("?limit=3&offset=3"))
        for query in ("limit=-1", "offset=-1", "limit=x", "offset=x"):
            self.refused(400, "GET", f"/os-server-groups?{query}")
        self.refused(400, "GET", "/os-server-groups?more=1", version=75)
