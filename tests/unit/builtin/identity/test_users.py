# SPDX-License-Identifier: Apache-2.0
"""/v3/users and /v3/groups."""

from __future__ import annotations

from tests.unit.builtin.identity.base import URL, IdentityTestCase


class UsersTest(IdentityTestCase):
    def test_life(self) -> None:
        project = self.cloud.projects["demo"]
        body = {"name": "u", "password": "pw", "email": "u@x", "default_project_id": project, "description": "d"}
        made = self.ok("POST", "/users", {"user": body}, status=201)["user"]
        self.assertEqual(
            {
                "id": made["id"],
                "name": "u",
                "email": "u@x",
                "default_project_id": project,
                "description": "d",
                "domain_id": "default",
                "enabled": True,
                "options": {},
                "password_expires_at": None,
                "links": {"self": f"{URL}/identity/v3/users/{made['id']}"},
            },
            made,
        )
        path = f"/users/{made['id']}"
        self.assertEqual("v", self.ok("PATCH", path, {"user": {"name": "v"}})["user"]["name"])
        self.assertEqual([made["id"]], [user["id"] for user in self.ok("GET", "/users?name=v")["users"]])
        self.ok("DELETE", path, status=204)
        self.refused(404, "GET", path)

    def test_the_hash_is_nobodys(self) -> None:
        text = self.call("GET", "/users", token=self.admin).text
        self.assertNotIn("password_hash", text)
        self.assertNotIn("$2b$", text)
        known = {"name": "u", "password_hash": "$2b$04$" + "x" * 53}
        made = self.ok("POST", "/users", {"user": known}, status=201)["user"]
        self.assertNotIn("password_hash", made)
        with self.db.reader() as conn:
            row = conn.exec_driver_sql("SELECT password_hash, extra FROM users WHERE name = 'u'").one()
        self.assertEqual((None, "{}"), tuple(row))

    def test_users_see_themselves_only(self) -> None:
        mine, others = self.cloud.users["demo"], self.cloud.users["admin"]
        self.assertEqual("demo", self.ok("GET", f"/users/{mine}", token=self.demo)["user"]["name"])
        found = self.ok("GET", f"/users/{mine}/projects", token=self.demo)
        self.assertEqual(["demo"], [project["name"] for project in found["projects"]])
        self.assertEqual([], self.ok("GET", f"/users/{mine}/groups", token=self.demo)["groups"])
        for path in ("", f"/{others}", f"/{others}/projects", f"/{others}/groups", "/no-such"):
            self.refused(403, "GET", f"/users{path}", token=self.demo)

    def test_change_password(self) -> None:
        path = f"/users/{self.cloud.users['demo']}/password"
        body = {"user": {"original_password": "wrong", "password": "new"}}
        self.refused(401, "POST", path, body, token=self.demo)
        body["user"]["original_password"] = "demo-secret"
        self.refused(403, "POST", f"/users/{self.cloud.users['admin']}/password", body, token=self.demo)
        self.ok("POST", path, body, status=204, token=self.demo)
        self.assertEqual(401, self.call("GET", "/auth/projects", token=self.demo).status_int)
        self.assertEqual(401, self.log_in("demo").status_int)
        self.assertEqual(201, self.log_in("demo", "new").status_int)

    def test_without_a_password_nobody_logs_in(self) -> None:
        self.ok("POST", "/users", {"user": {"name": "u", "password": None}}, status=201)
        self.assertEqual(401, self.log_in("u", "None").status_int)

    def test_what_is_refused(self) -> None:
        self.refused(409, "POST", "/users", {"user": {"name": "demo"}})
        self.refused(404, "POST", "/users", {"user": {"name": "u", "domain_id": "no-such"}})
        self.assertIn("4096", self.refused(400, "POST", "/users", {"user": {"name": "u", "password": "x" * 4097}}))
        self.assertIn("name", self.refused(400, "POST", "/users", {"user": {"name": "a\nb"}}))
        self.refused(413, "POST", "/users", {"user": {"name": "u", "x": "y" * 200_000}})


class GroupsTest(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.group = self.ok("POST", "/groups", {"group": {"name": "g"}}, status=201)["group"]["id"]
        self.member = f"/groups/{self.group}/users/{self.cloud.users['demo']}"

    def test_membership(self) -> None:
        self.refused(404, "GET", self.member)
        self.ok("PUT", self.member, status=204)
        self.ok("PUT", self.member, status=204)
        self.ok("HEAD", self.member, status=204)
        self.assertEqual(["demo"], [user["name"] for user in self.ok("GET", f"/groups/{self.group}/users")["users"]])
        mine = self.ok("GET", f"/users/{self.cloud.users['demo']}/groups", token=self.demo)
        self.assertEqual(["g"], [group["name"] for group in mine["groups"]])
        self.ok("DELETE", self.member, status=204)
        self.refused(404, "DELETE", self.member)

    def test_a_groups_role_is_its_members(self) -> None:
        project, role = self.cloud.projects["admin"], self.cloud.roles["member"]
        self.ok("PUT", f"/projects/{project}/groups/{self.group}/roles/{role}", status=204)
        scope = {"project": {"id": project}}
        self.assertEqual(401, self.log_in("demo", scope=scope).status_int)
        self.ok("PUT", self.member, status=204)
        token = self.log_in("demo", scope=scope).headers["X-Subject-Token"]
        self.assertEqual({"member", "reader"}, set(self.identity.authenticate(token).roles))
        self.ok("DELETE", self.member, status=204)
        self.assertEqual(401, self.call("GET", "/auth/projects", token=token).status_int)
