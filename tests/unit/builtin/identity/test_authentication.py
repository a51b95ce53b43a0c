# SPDX-License-Identifier: Apache-2.0
"""/v3/auth, and when a token stops being valid."""

from __future__ import annotations

import time

import msgspec

from minicloud import exception
from minicloud.builtin.identity.service import Identity
from minicloud.clients.identity import BuiltinIdentity
from tests.unit.builtin.identity.base import PASSWORDS, URL, IdentityTestCase

_SYSTEM = {"system": {"all": True}}
_ADMIN_PROJECT = {"project": {"name": "admin", "domain": {"name": "Default"}}}


class LoginTest(IdentityTestCase):
    def test_password_and_project(self) -> None:
        response = self.log_in("admin", scope=_ADMIN_PROJECT)
        self.assertEqual(201, response.status_int)
        body = response.json["token"]
        self.assertEqual(["password"], body["methods"])
        self.assertEqual(
            {
                "id": self.cloud.users["admin"],
                "name": "admin",
                "domain": {"id": "default", "name": "Default"},
                "password_expires_at": None,
            },
            body["user"],
        )
        self.assertEqual(self.cloud.projects["admin"], body["project"]["id"])
        self.assertEqual({"id": "default", "name": "Default"}, body["project"]["domain"])
        self.assertIs(False, body["is_domain"])
        self.assertEqual(["admin", "manager", "member", "reader"], sorted(role["name"] for role in body["roles"]))
        self.assertRegex(body["expires_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(1, len(body["audit_ids"]))

    def test_the_catalog_has_every_service_with_every_interface(self) -> None:
        catalog = self.log_in("demo").json["token"]["catalog"]
        urls = {
            (service["type"], endpoint["interface"]): endpoint["url"]
            for service in catalog
            for endpoint in service["endpoints"]
        }
        paths = {"identity": "/identity/v3", "compute": "/compute/v2.1"}
        expected = {
            (type_, interface): URL + paths.get(type_, f"/{type_}")
            for type_ in ("identity", "compute", "image", "network")
            for interface in ("public", "internal", "admin")
        }
        self.assertEqual(expected, urls)

    def test_scopes(self) -> None:
        for scope, key in (
            (_SYSTEM, "system"),
            ({"domain": {"name": "Default"}}, "domain"),
            (_ADMIN_PROJECT, "project"),
        ):
            body = self.log_in("admin", scope=scope).json["token"]
            self.assertEqual({key}, {"system", "domain", "project"} & set(body))
        body = self.log_in("admin", scope="unscoped").json["token"]
        self.assertEqual(set(), {"system", "domain", "project", "roles", "catalog"} & set(body))

    def test_without_a_scope_it_is_the_default_project(self) -> None:
        self.assertEqual("demo", self.log_in("demo").json["token"]["project"]["name"])

    def test_no_role_there_no_token(self) -> None:
        self.assertEqual(401, self.log_in("demo", scope=_ADMIN_PROJECT).status_int)
        self.assertEqual(401, self.log_in("demo", scope=_SYSTEM).status_int)
        self.assertEqual(401, self.log_in("demo", scope={"project": {"id": "no-such"}}).status_int)

    def test_a_wrong_password_and_an_unknown_user_look_the_same(self) -> None:
        wrong, unknown = self.log_in("demo", "wrong"), self.log_in("nobody", "wrong")
        self.assertEqual((401, 401), (wrong.status_int, unknown.status_int))
        self.assertEqual(wrong.json, unknown.json)
        self.assertEqual("Unauthorized", wrong.json["error"]["title"])

    def test_what_is_malformed_is_refused_naming_the_field(self) -> None:
        for identity, field in (
            ({"methods": ["password"]}, "auth.identity.password"),
            ({"methods": ["password"], "password": {"user": {"name": "x", "password": "y"}}}, "domain"),
            ({"methods": []}, "methods"),
            ({"methods": ["token"], "token": {"id": 5}}, "auth.identity.token.id"),
        ):
            response = self.authenticate(identity)
            self.assertEqual(400, response.status_int)
            self.assertIn(field, response.json["error"]["message"])
        self.assertEqual(401, self.authenticate({"methods": ["saml2"], "saml2": {}}).status_int)

    def test_a_token_for_a_token_ends_with_it(self) -> None:
        first = self.log_in("admin", scope="unscoped")
        identity = {"methods": ["token"], "token": {"id": first.headers["X-Subject-Token"]}}
        second = self.authenticate(identity, _ADMIN_PROJECT)
        self.assertEqual(201, second.status_int)
        self.assertEqual(first.json["token"]["expires_at"], second.json["token"]["expires_at"])
        self.assertEqual(first.json["token"]["audit_ids"][0], second.json["token"]["audit_ids"][1])
        self.assertEqual({"password", "token"}, set(second.json["token"]["methods"]))


class SubjectTokenTest(IdentityTestCase):
    def _about(self, method: str, subject: str, token: str, query: str = "") -> object:
        return self.call(method, f"/auth/tokens{query}", token=token, headers={"X-Subject-Token": subject})

    def test_validate(self) -> None:
        response = self._about("GET", self.demo, self.admin)
        self.assertEqual((200, "demo"), (response.status_int, response.json["token"]["user"]["name"]))
        self.assertEqual(self.demo, response.headers["X-Subject-Token"])
        self.assertIn("catalog", response.json["token"])
        self.assertNotIn("catalog", self._about("GET", self.demo, self.admin, "?nocatalog").json["token"])
        head = self._about("HEAD", self.demo, self.admin)
        self.assertEqual((200, b""), (head.status_int, head.body))

    def test_others_tokens_are_not_for_users(self) -> None:
        self.assertEqual(200, self._about("GET", self.demo, self.demo).status_int)
        self.assertEqual(403, self._about("GET", self.admin, self.demo).status_int)
        self.assertEqual(403, self._about("DELETE", self.admin, self.demo).status_int)

    def test_revoke(self) -> None:
        self.assertEqual(204, self._about("DELETE", self.demo, self.demo).status_int)
        self.assertEqual(404, self._about("GET", self.demo, self.admin).status_int)
        self.assertEqual(401, self.call("GET", "/auth/projects", token=self.demo).status_int)
        # Only that one.
        self.assertEqual(200, self.call("GET", "/auth/projects", token=self.token("demo", project="demo")).status_int)

    def test_without_a_valid_subject(self) -> None:
        self.assertEqual(404, self._about("GET", "nonsense", self.admin).status_int)
        self.assertEqual(400, self.call("GET", "/auth/tokens", token=self.admin).status_int)
        self.assertEqual(401, self.call("GET", "/auth/tokens", headers={"X-Subject-Token": self.demo}).status_int)

    def test_an_expired_token_can_be_asked_about_for_a_while(self) -> None:
        self.conf.set_override("token_expiration", 60, group="identity")
        identity = Identity(self.conf, self.db)
        user = {"id": self.cloud.users["demo"], "password": PASSWORDS["demo"]}
        _, token = identity.tokens.issue({"identity": {"methods": ["password"], "password": {"user": user}}})
        old = identity.tokens._fernet.encode(msgspec.structs.replace(token.grant, expires_at=token.grant.issued_at))
        self.assertEqual(404, self._about("GET", old, self.admin).status_int)
        self.assertEqual(200, self._about("GET", old, self.admin, "?allow_expired=1").status_int)
        self.assertEqual(401, self.call("GET", "/auth/projects", token=old).status_int)

    def test_where_one_could_go(self) -> None:
        self.assertEqual(
            ["demo"], [project["name"] for project in self.ok("GET", "/auth/projects", token=self.demo)["projects"]]
        )
        self.assertEqual([], self.ok("GET", "/auth/domains", token=self.demo)["domains"])
        self.assertEqual(["Default"], [domain["name"] for domain in self.ok("GET", "/auth/domains")["domains"]])
        self.assertEqual([{"all": True}], self.ok("GET", "/auth/system")["system"])
        self.assertEqual(4, len(self.ok("GET", "/auth/catalog", token=self.demo)["catalog"]))


class ContextTest(IdentityTestCase):
    """What other services' front ends get, and that changes hold at once."""

    def test_context(self) -> None:
        ctxt = BuiltinIdentity(self.identity).authenticate(self.demo)
        self.assertEqual(self.cloud.users["demo"], ctxt.user_id)
        self.assertEqual(self.cloud.projects["demo"], ctxt.project_id)
        self.assertEqual(("demo", "demo"), (ctxt.user_name, ctxt.project_name))
        self.assertEqual(("default", "default"), (ctxt.user_domain_id, ctxt.project_domain_id))
        self.assertEqual(["member", "reader"], sorted(ctxt.roles))
        self.assertEqual((False, self.demo), (ctxt.is_admin, ctxt.auth_token))
        self.assertTrue(self.identity.authenticate(self.admin).is_admin)

    def test_nobody_changes_anothers_context(self) -> None:
        first = self.identity.authenticate(self.demo)
        first.roles.append("admin")
        first.request_id = "req-1"
        second = self.identity.authenticate(self.demo)
        self.assertEqual(["member", "reader"], sorted(second.roles))
        self.assertNotEqual("req-1", second.request_id)

    def test_it_is_fast(self) -> None:
        self.identity.authenticate(self.demo)
        started = time.perf_counter()
        for _ in range(1000):
            self.identity.authenticate(self.demo)
        self.assertTrue((time.perf_counter() - started) / 1000 < 100e-6)

    def test_changes_hold_at_once(self) -> None:
        demo, project = self.cloud.users["demo"], self.cloud.projects["demo"]
        role = f"/projects/{project}/users/{demo}/roles/{self.cloud.roles['member']}"
        for method, path, body, status in (
            ("DELETE", role, None, 204),
            ("PATCH", f"/users/{demo}", {"user": {"enabled": False}}, 200),
            ("PATCH", f"/users/{demo}", {"user": {"password": "other"}}, 200),
            ("PATCH", f"/projects/{project}", {"project": {"enabled": False}}, 200),
            ("DELETE", f"/projects/{project}", None, 204),
        ):
            token = self._working_token()
            self.ok(method, path, body, status=status)
            self.assertRaises(exception.Unauthorized, self.identity.authenticate, token)
            self._restore(role)

    def _working_token(self) -> str:
        token = self.token("demo", project="demo")
        self.identity.authenticate(token)
        return token

    def _restore(self, role: str) -> None:
        demo, project = self.cloud.users["demo"], self.cloud.projects["demo"]
        if self.call("GET", f"/projects/{project}", token=self.admin).status_int == 404:
            return
        self.ok("PATCH", f"/users/{demo}", {"user": {"enabled": True, "password": PASSWORDS["demo"]}})
        self.ok("PATCH", f"/projects/{project}", {"project": {"enabled": True}})
        self.ok("PUT", role, status=204)

    def test_a_user_enabled_again_needs_a_new_token(self) -> None:
        token = self._working_token()
        for enabled in (False, True):
            self.ok("PATCH", f"/users/{self.cloud.users['demo']}", {"user": {"enabled": enabled}})
        self.assertRaises(exception.Unauthorized, self.identity.authenticate, token)
        self._working_token()

    def test_a_new_role_holds_at_once(self) -> None:
        self.identity.authenticate(self.demo)
        path = f"/projects/{self.cloud.projects['demo']}/users/{self.cloud.users['demo']}/roles"
        self.ok("PUT", f"{path}/{self.cloud.roles['admin']}", status=204)
        self.assertTrue(self.identity.authenticate(self.demo).is_admin)

    def test_another_process_sees_it_after_the_cache_time(self) -> None:
        self.conf.set_override("cache_time", 0.2, group="identity")
        other = Identity(self.conf, self.db)
        other.authenticate(self.demo)
        self.identity.tokens.revoke(self.demo)
        time.sleep(0.25)
        self.assertRaises(exception.Unauthorized, other.authenticate, self.demo)

    def test_what_was_read_before_a_change_is_not_remembered_after_it(self) -> None:
        memory = self.identity.tokens._memory
        generation = memory.generation
        ctxt = self.identity.authenticate(self.demo)
        memory.forget()
        memory.put(self.demo, ctxt, 60, generation)
        self.assertIsNone(memory.get(self.demo))

    def test_names(self) -> None:
        client = BuiltinIdentity(self.identity)
        ctxt = client.authenticate(self.admin)
        self.assertTrue(client.project_exists(ctxt, self.cloud.projects["demo"]))
        self.assertFalse(client.project_exists(ctxt, "no-such"))
        self.assertEqual("demo", client.user_name(ctxt, self.cloud.users["demo"]))
        self.assertIsNone(client.user_name(ctxt, "no-such"))
