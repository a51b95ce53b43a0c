# SPDX-License-Identifier: Apache-2.0
"""Application credentials, and /v3/credentials."""

from __future__ import annotations

from typing import Any

import webob

from tests.unit.builtin.identity.base import IdentityTestCase


class ApplicationCredentialsTest(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/users/{self.cloud.users['demo']}/application_credentials"

    def _make(self, name: str = "ac", *, token: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"application_credential": {"name": name, **more}}
        made: dict[str, Any] = self.ok("POST", self.path, body, status=201, token=token or self.demo)
        return made["application_credential"]  # type: ignore[no-any-return]  # JSON

    def _use(self, made: dict[str, Any], scope: Any = None) -> webob.Response:
        given = {"id": made["id"], "secret": made["secret"]}
        return self.authenticate({"methods": ["application_credential"], "application_credential": given}, scope)

    def test_use(self) -> None:
        made = self._make(roles=[{"name": "reader"}])
        self.assertEqual(self.cloud.projects["demo"], made["project_id"])
        body = self._use(made).json["token"]
        self.assertEqual(["reader"], [role["name"] for role in body["roles"]])
        self.assertEqual("demo", body["project"]["name"])
        self.assertEqual({"id": made["id"], "name": "ac", "restricted": True}, body["application_credential"])
        by_name = {
            "name": "ac",
            "secret": made["secret"],
            "user": {"name": "demo", "domain": {"id": "default"}},
        }
        response = self.authenticate({"methods": ["application_credential"], "application_credential": by_name})
        self.assertEqual(201, response.status_int)

    def test_the_secret_is_shown_once(self) -> None:
        made = self._make(secret="mine")
        self.assertEqual("mine", made["secret"])
        shown = self.ok("GET", f"{self.path}/{made['id']}", token=self.demo)["application_credential"]
        self.assertEqual({key: value for key, value in made.items() if key != "secret"}, shown)
        listed = self.ok("GET", f"{self.path}?name=ac", token=self.demo)["application_credentials"]
        self.assertEqual([shown], listed)
        self.assertEqual([], self.ok("GET", f"{self.path}?name=x", token=self.demo)["application_credentials"])

    def test_refused(self) -> None:
        made = self._make()
        self.assertEqual(401, self._use({**made, "secret": "wrong"}).status_int)
        self.assertEqual(401, self._use({**made, "id": "no-such"}).status_int)
        self.assertEqual(401, self._use(made, {"project": {"id": self.cloud.projects["admin"]}}).status_int)
        self.assertEqual(401, self._use(made, "unscoped").status_int)
        for more, field in (
            ({"name": "x", "roles": [{"name": "admin"}]}, "role"),
            (
                {"name": "x", "access_rules": [{"path": "/v2.1/servers", "method": "GET", "service": "compute"}]},
                "access",
            ),
            ({"name": "x", "expires_at": "2020-01-01T00:00:00"}, "expires_at"),
            ({"name": "x", "project_id": self.cloud.projects["admin"]}, "project_id"),
            ({}, "name"),
        ):
            body = {"application_credential": more}
            self.assertIn(field, self.refused(400, "POST", self.path, body, token=self.demo))
        self.refused(409, "POST", self.path, {"application_credential": {"name": "ac"}}, token=self.demo)

    def test_nobody_makes_one_for_another(self) -> None:
        self.refused(403, "POST", self.path, {"application_credential": {"name": "x"}})
        made = self._make()
        others = f"/users/{self.cloud.users['admin']}/application_credentials"
        self.refused(403, "GET", others, token=self.demo)
        self.refused(404, "GET", f"{others}/{made['id']}")
        self.refused(404, "DELETE", f"{others}/{made['id']}")

    def test_a_restricted_one_makes_no_others(self) -> None:
        restricted = self._make()
        token = self._use(restricted).headers["X-Subject-Token"]
        self.refused(403, "POST", self.path, {"application_credential": {"name": "x"}}, token=token)
        self.refused(403, "DELETE", f"{self.path}/{restricted['id']}", token=token)
        keys = f"/users/{self.cloud.users['demo']}/credentials/OS-EC2"
        self.refused(403, "POST", keys, {"tenant_id": self.cloud.projects["demo"]}, token=token)
        token = self._use(self._make("free", unrestricted=True)).headers["X-Subject-Token"]
        self._make("x", token=token)

    def test_its_token_leads_nowhere_else(self) -> None:
        token = self._use(self._make(roles=[{"name": "reader"}])).headers["X-Subject-Token"]
        identity = {"methods": ["token"], "token": {"id": token}}
        self.assertEqual(401, self.authenticate(identity, "unscoped").status_int)
        again = self.authenticate(identity, {"project": {"id": self.cloud.projects["demo"]}}).json["token"]
        self.assertEqual(["reader"], [role["name"] for role in again["roles"]])
        self.assertIn("application_credential", again)

    def test_it_ends_with_itself_and_with_the_role(self) -> None:
        made = self._make()
        token = self._use(made).headers["X-Subject-Token"]
        self.identity.authenticate(token)
        self.ok("DELETE", f"{self.path}/{made['id']}", status=204, token=self.demo)
        self.assertEqual(401, self.call("GET", "/auth/projects", token=token).status_int)
        made = self._make()
        role = f"/projects/{self.cloud.projects['demo']}/users/{self.cloud.users['demo']}/roles"
        self.ok("PUT", f"{role}/{self.cloud.roles['service']}", status=204)
        self.ok("DELETE", f"{role}/{self.cloud.roles['member']}", status=204)
        self.assertEqual(401, self._use(made).status_int)


class CredentialsTest(IdentityTestCase):
    def _make(self, token: str, **more: Any) -> dict[str, Any]:
        body = {"credential": {"type": "cert", "blob": "the-blob", **more}}
        made: dict[str, Any] = self.ok("POST", "/credentials", body, status=201, token=token)["credential"]
        return made

    def test_life(self) -> None:
        made = self._make(self.demo)
        self.assertEqual((self.cloud.users["demo"], "the-blob"), (made["user_id"], made["blob"]))
        path = f"/credentials/{made['id']}"
        self.assertEqual(made, self.ok("GET", path, token=self.demo)["credential"])
        self.assertEqual(
            "b2", self.ok("PATCH", path, {"credential": {"blob": "b2"}}, token=self.demo)["credential"]["blob"]
        )
        self.ok("DELETE", path, status=204, token=self.demo)
        self.refused(404, "GET", path, token=self.demo)

    def test_ones_own_only(self) -> None:
        theirs = self._make(self.admin)
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"credential": {"blob": "x"}})):
            self.refused(404, method, f"/credentials/{theirs['id']}", body, token=self.demo)
        self.assertEqual([], self.ok("GET", "/credentials", token=self.demo)["credentials"])
        body = {"type": "cert", "blob": "x", "user_id": self.cloud.users["admin"]}
        self.refused(403, "POST", "/credentials", {"credential": body}, token=self.demo)
        mine = self._make(self.demo)
        self.refused(
            403,
            "PATCH",
            f"/credentials/{mine['id']}",
            {"credential": {"user_id": self.cloud.users["admin"]}},
            token=self.demo,
        )
        self.assertEqual(2, len(self.ok("GET", "/credentials")["credentials"]))

    def test_it_is_encrypted_where_it_is_kept(self) -> None:
        self._make(self.demo)
        with self.db.reader() as conn:
            kept = conn.exec_driver_sql("SELECT blob FROM credentials").scalar_one()
        self.assertNotIn("the-blob", str(kept))


class Ec2KeysTest(IdentityTestCase):
    def test_life(self) -> None:
        path = f"/users/{self.cloud.users['demo']}/credentials/OS-EC2"
        body = {"tenant_id": self.cloud.projects["demo"]}
        made = self.ok("POST", path, body, status=201, token=self.demo)["credential"]
        self.assertEqual((self.cloud.users["demo"], self.cloud.projects["demo"]), (made["user_id"], made["tenant_id"]))
        self.assertEqual([made], self.ok("GET", path, token=self.demo)["credentials"])
        one = f"{path}/{made['access']}"
        self.assertEqual(made, self.ok("GET", one, token=self.demo)["credential"])
        others = f"/users/{self.cloud.users['admin']}/credentials/OS-EC2"
        self.refused(403, "GET", others, token=self.demo)
        self.refused(404, "GET", f"{others}/{made['access']}")
        self.ok("DELETE", one, status=204, token=self.demo)
        self.refused(404, "GET", one, token=self.demo)

    def test_only_for_a_project_of_the_users(self) -> None:
        path = f"/users/{self.cloud.users['demo']}/credentials/OS-EC2"
        self.refused(403, "POST", path, {"tenant_id": self.cloud.projects["admin"]}, token=self.demo)
