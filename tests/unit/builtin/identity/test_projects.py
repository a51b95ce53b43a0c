# SPDX-License-Identifier: Apache-2.0
"""/v3/projects and /v3/domains."""

from __future__ import annotations

from typing import Any

from tests.unit.builtin.identity.base import URL, IdentityTestCase


class ProjectsTest(IdentityTestCase):
    def _make(self, name: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ok("POST", "/projects", {"project": {"name": name, **more}}, status=201)["project"]
        return made

    def test_life(self) -> None:
        made = self._make("p", description="d", tags=["a"], colour="blue")
        self.assertEqual(
            {
                "id": made["id"],
                "name": "p",
                "description": "d",
                "domain_id": "default",
                "parent_id": "default",
                "is_domain": False,
                "enabled": True,
                "tags": ["a"],
                "options": {},
                "colour": "blue",
                "links": {"self": f"{URL}/identity/v3/projects/{made['id']}"},
            },
            made,
        )
        path = f"/projects/{made['id']}"
        changed = self.ok("PATCH", path, {"project": {"enabled": False, "size": 1}})["project"]
        self.assertEqual({**made, "enabled": False, "size": 1}, changed)
        self.assertEqual(changed, self.ok("GET", path)["project"])
        self.ok("DELETE", path, status=204)
        self.assertEqual(f"Could not find project: {made['id']}.", self.refused(404, "GET", path))
        self.refused(404, "PATCH", path, {"project": {}})
        self.refused(404, "DELETE", path)

    def test_list(self) -> None:
        self._make("p1")
        self._make("p2", enabled=False)
        for query, names in (
            ("", {"admin", "demo", "service", "p1", "p2"}),
            ("?name=p1", {"p1"}),
            ("?name=nobody", set()),
            ("?enabled=false", {"p2"}),
            ("?domain_id=default&enabled=True&name__startswith=p", {"p1"}),
            ("?domain_id=other", set()),
            ("?name__contains=%25", set()),
        ):
            found = self.ok("GET", f"/projects{query}")
            self.assertEqual(names, {project["name"] for project in found["projects"]}, query)
            self.assertEqual(f"{URL}/identity/v3/projects{query}", found["links"]["self"])
        self.refused(400, "GET", "/projects?name__like=x")

    def test_the_client_does_not_choose_the_id(self) -> None:
        self.assertNotEqual("chosen", self._make("p", id="chosen")["id"])

    def test_names_are_unique_in_a_domain(self) -> None:
        domain = self.ok("POST", "/domains", {"domain": {"name": "d"}}, status=201)["domain"]["id"]
        first = self._make("p")
        self.refused(409, "POST", "/projects", {"project": {"name": "p"}})
        self._make("p", domain_id=domain)
        other = self._make("q")
        self.refused(409, "PATCH", f"/projects/{other['id']}", {"project": {"name": "p"}})
        self.ok("PATCH", f"/projects/{first['id']}", {"project": {"name": "p"}})

    def test_what_is_refused(self) -> None:
        for body, field in (
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "x" * 65}, "64"),
            ({"name": " "}, "name"),
            ({"name": "x", "enabled": "yes"}, "enabled"),
            ({"name": "x", "tags": ["a/b"]}, "tags"),
            ({"name": "x", "is_domain": True}, "is_domain"),
            ({"name": "x", "domain_id": 5}, "domain_id"),
        ):
            self.assertIn(field, self.refused(400, "POST", "/projects", {"project": body}))
        self.refused(404, "POST", "/projects", {"project": {"name": "x", "domain_id": "no-such"}})
        self.refused(404, "POST", "/projects", {"project": {"name": "x", "parent_id": "no-such"}})
        self.assertIn(
            "domain_id",
            self.refused(400, "PATCH", f"/projects/{self._make('y')['id']}", {"project": {"domain_id": "other"}}),
        )

    def test_a_tree(self) -> None:
        parent = self._make("parent")
        child = self._make("child", parent_id=parent["id"])
        self.assertEqual((parent["id"], "default"), (child["parent_id"], child["domain_id"]))
        self.assertEqual(
            ["child"], [one["name"] for one in self.ok("GET", f"/projects?parent_id={parent['id']}")["projects"]]
        )
        top = {one["name"] for one in self.ok("GET", "/projects?parent_id=default")["projects"]}
        self.assertEqual({"admin", "demo", "service", "parent"}, top)
        self.refused(403, "DELETE", f"/projects/{parent['id']}")
        self.ok("DELETE", f"/projects/{child['id']}", status=204)
        self.ok("DELETE", f"/projects/{parent['id']}", status=204)

    def test_tags(self) -> None:
        path = f"/projects/{self._make('p', tags=['a'])['id']}/tags"
        self.ok("PUT", f"{path}/b", status=201)
        self.assertEqual(["a", "b"], self.ok("GET", path)["tags"])
        self.ok("GET", f"{path}/b", status=204)
        self.refused(404, "GET", f"{path}/c")
        self.ok("DELETE", f"{path}/a", status=204)
        self.refused(404, "DELETE", f"{path}/a")
        self.assertEqual(["x"], self.ok("PUT", path, {"tags": ["x"]})["tags"])
        self.ok("DELETE", path, status=204)
        self.assertEqual([], self.ok("GET", path)["tags"])

    def test_immutable(self) -> None:
        path = f"/projects/{self._make('p', options={'immutable': True})['id']}"
        self.refused(403, "DELETE", path)
        self.refused(403, "PATCH", path, {"project": {"name": "q"}})
        self.ok("PATCH", path, {"project": {"options": {"immutable": False}}})
        self.ok("DELETE", path, status=204)


class DomainsTest(IdentityTestCase):
    def test_life(self) -> None:
        made = self.ok("POST", "/domains", {"domain": {"name": "d", "description": "x"}}, status=201)["domain"]
        self.assertEqual(
            {
                "id": made["id"],
                "name": "d",
                "description": "x",
                "enabled": True,
                "tags": [],
                "options": {},
                "links": {"self": f"{URL}/identity/v3/domains/{made['id']}"},
            },
            made,
        )
        self.assertEqual([made], self.ok("GET", "/domains?name=d")["domains"])
        self.refused(409, "POST", "/domains", {"domain": {"name": "d"}})

    def test_it_must_be_disabled_and_takes_all_with_it(self) -> None:
        domain = self.ok("POST", "/domains", {"domain": {"name": "d"}}, status=201)["domain"]["id"]
        body = {"name": "x", "domain_id": domain}
        parent = self.ok("POST", "/projects", {"project": body}, status=201)["project"]["id"]
        self.ok("POST", "/projects", {"project": {"name": "child", "parent_id": parent}}, status=201)
        user = self.ok("POST", "/users", {"user": body}, status=201)["user"]["id"]
        group = self.ok("POST", "/groups", {"group": body}, status=201)["group"]["id"]
        role = self.cloud.roles["member"]
        self.ok("PUT", f"/groups/{group}/users/{user}", status=204)
        self.ok("PUT", f"/projects/{parent}/users/{user}/roles/{role}", status=204)
        self.ok("PUT", f"/domains/{domain}/groups/{group}/roles/{role}", status=204)
        self.refused(403, "DELETE", f"/domains/{domain}")
        self.ok("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
        self.ok("DELETE", f"/domains/{domain}", status=204)
        for path in (f"/domains/{domain}", f"/projects/{parent}", f"/users/{user}", f"/groups/{group}"):
            self.refused(404, "GET", path)
        self.assertEqual([], self.ok("GET", f"/role_assignments?user.id={user}")["role_assignments"])

    def test_nobody_of_a_disabled_domain_logs_in(self) -> None:
        domain = self.ok("POST", "/domains", {"domain": {"name": "d"}}, status=201)["domain"]["id"]
        self.ok("POST", "/users", {"user": {"name": "u", "password": "pw", "domain_id": domain}}, status=201)
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": "u", "domain": {"name": "d"}, "password": "pw"}},
        }
        self.assertEqual(201, self.authenticate(identity).status_int)
        self.ok("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
        self.assertEqual(401, self.authenticate(identity).status_int)
