# SPDX-License-Identifier: Apache-2.0
"""/v3/roles, assignments of roles, and what roles imply."""

from __future__ import annotations

from typing import Any

from tests.unit.builtin.identity.base import URL, IdentityTestCase


class RolesTest(IdentityTestCase):
    def test_life(self) -> None:
        made = self.ok("POST", "/roles", {"role": {"name": "r"}}, status=201)["role"]
        self.assertEqual(
            {
                "id": made["id"],
                "name": "r",
                "domain_id": None,
                "description": None,
                "options": {},
                "links": {"self": f"{URL}/identity/v3/roles/{made['id']}"},
            },
            made,
        )
        self.assertEqual([made], self.ok("GET", "/roles?name=r")["roles"])
        self.assertEqual(6, len(self.ok("GET", "/roles")["roles"]))
        self.refused(409, "POST", "/roles", {"role": {"name": "r"}})
        self.ok("DELETE", f"/roles/{made['id']}", status=204)
        self.refused(404, "GET", f"/roles/{made['id']}")

    def test_implied(self) -> None:
        role = self.ok("POST", "/roles", {"role": {"name": "r"}}, status=201)["role"]["id"]
        reader, admin = self.cloud.roles["reader"], self.cloud.roles["admin"]
        path = f"/roles/{reader}/implies/{role}"
        self.refused(404, "GET", path)
        self.ok("PUT", path, status=201)
        self.ok("HEAD", path, status=204)
        self.assertIn("r", self.identity.authenticate(self.demo).roles)
        implied = self.ok("GET", f"/roles/{reader}/implies")["role_inference"]["implies"]
        self.assertEqual(["r"], [one["name"] for one in implied])
        self.assertEqual(4, len(self.ok("GET", "/role_inferences")["role_inferences"]))
        # Not in a circle.
        self.refused(403, "PUT", f"/roles/{role}/implies/{admin}")
        self.ok("DELETE", path, status=204)
        self.refused(404, "DELETE", path)

    def test_a_domains_role_stands_for_those_it_implies(self) -> None:
        body = {"name": "r", "domain_id": "default"}
        role = self.ok("POST", "/roles", {"role": body}, status=201)["role"]
        self.assertEqual("default", role["domain_id"])
        self.assertNotIn("r", [one["name"] for one in self.ok("GET", "/roles")["roles"]])
        self.assertEqual([role], self.ok("GET", "/roles?domain_id=default")["roles"])
        self.ok("PUT", f"/roles/{role['id']}/implies/{self.cloud.roles['service']}", status=201)
        demo = self.cloud.users["demo"]
        path = f"/projects/{self.cloud.projects['demo']}/users/{demo}/roles/{role['id']}"
        self.ok("PUT", path, status=204)
        self.assertEqual({"member", "reader", "service"}, set(self.identity.authenticate(self.demo).roles))
        effective = self.ok("GET", f"/role_assignments?user.id={demo}&effective")["role_assignments"]
        self.assertNotIn(role["id"], [one["role"]["id"] for one in effective])
        self.refused(403, "PUT", f"/system/users/{demo}/roles/{role['id']}")


class AssignmentsTest(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = self.ok("POST", "/users", {"user": {"name": "u", "password": "pw"}}, status=201)["user"]["id"]

    def _list(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("GET", f"/role_assignments{query}")["role_assignments"]
        return found

    def test_on_every_kind_of_target(self) -> None:
        role = self.cloud.roles["manager"]
        for target in (f"/projects/{self.cloud.projects['demo']}", "/domains/default", "/system"):
            all_ = f"{target}/users/{self.user}/roles"
            self.refused(404, "GET", f"{all_}/{role}")
            self.ok("PUT", f"{all_}/{role}", status=204)
            self.ok("PUT", f"{all_}/{role}", status=204)
            self.ok("HEAD", f"{all_}/{role}", status=204)
            self.assertEqual(["manager"], [one["name"] for one in self.ok("GET", all_)["roles"]])
            self.ok("DELETE", f"{all_}/{role}", status=204)
            self.refused(404, "DELETE", f"{all_}/{role}")

    def test_what_does_not_exist(self) -> None:
        project, role = self.cloud.projects["demo"], self.cloud.roles["member"]
        for path in (
            f"/projects/no-such/users/{self.user}/roles/{role}",
            f"/projects/{project}/users/no-such/roles/{role}",
            f"/projects/{project}/users/{self.user}/roles/no-such",
        ):
            self.refused(404, "PUT", path)
        self.assertEqual([], self._list(f"?user.id={self.user}"))

    def test_list(self) -> None:
        project, role = self.cloud.projects["demo"], self.cloud.roles["member"]
        self.ok("PUT", f"/projects/{project}/users/{self.user}/roles/{role}", status=204)
        path = f"{URL}/identity/v3/projects/{project}/users/{self.user}/roles/{role}"
        plain = {
            "role": {"id": role},
            "user": {"id": self.user},
            "scope": {"project": {"id": project}},
            "links": {"assignment": path},
        }
        self.assertEqual([plain], self._list(f"?user.id={self.user}"))
        self.assertEqual([plain], self._list(f"?user.id={self.user}&scope.project.id={project}&role.id={role}"))
        self.assertEqual([], self._list(f"?user.id={self.user}&scope.domain.id=default"))
        domain = {"id": "default", "name": "Default"}
        self.assertEqual(
            [
                {
                    "role": {"id": role, "name": "member"},
                    "user": {"id": self.user, "name": "u", "domain": domain},
                    "scope": {"project": {"id": project, "name": "demo", "domain": domain}},
                    "links": {"assignment": path},
                }
            ],
            self._list(f"?user.id={self.user}&include_names=True"),
        )
        effective = self._list(f"?user.id={self.user}&effective&include_names")
        self.assertEqual({"member", "reader"}, {one["role"]["name"] for one in effective})
        self.assertEqual([{"system": {"all": True}}], [one["scope"] for one in self._list("?scope.system=all")])

    def test_effective_shows_the_members_of_groups(self) -> None:
        group = self.ok("POST", "/groups", {"group": {"name": "g"}}, status=201)["group"]["id"]
        self.ok("PUT", f"/groups/{group}/users/{self.user}", status=204)
        self.ok("PUT", f"/domains/default/groups/{group}/roles/{self.cloud.roles['reader']}", status=204)
        self.assertEqual(
            [group], [one["group"]["id"] for one in self._list("?scope.domain.id=default&group.id=" + group)]
        )
        effective = self._list(f"?effective=true&user.id={self.user}")
        self.assertEqual([{"domain": {"id": "default"}}], [one["scope"] for one in effective])

    def test_users_see_their_own(self) -> None:
        mine = self.ok("GET", f"/role_assignments?user.id={self.cloud.users['demo']}", token=self.demo)
        self.assertEqual(1, len(mine["role_assignments"]))
        self.refused(403, "GET", "/role_assignments", token=self.demo)
        self.refused(403, "GET", f"/role_assignments?user.id={self.user}", token=self.demo)
        self.refused(400, "GET", f"/role_assignments?user.id={self.cloud.users['demo']}&group.id=x", token=self.demo)
