# SPDX-License-Identifier: Apache-2.0
"""Every operation asks for a token, and those that are not for everybody say no."""

from __future__ import annotations

import re

from minicloud.builtin.identity.api import routes
from tests.unit.builtin.identity.base import IdentityTestCase

#: What a user may do without further rights, with ids that are not its own.
_FOR_EVERYBODY = {
    ("GET", "/v3/auth/projects"),
    ("GET", "/v3/auth/domains"),
    ("GET", "/v3/auth/system"),
    ("GET", "/v3/auth/catalog"),
    ("GET", "/v3/regions"),
    ("GET", "/v3/regions/{region_id}"),
    ("GET", "/v3/limits"),
    ("GET", "/v3/limits/model"),
    ("GET", "/v3/registered_limits"),
    ("GET", "/v3/policies"),
    ("GET", "/v3/OS-TRUST/trusts"),
    ("GET", "/v3/users/{user_id}/access_rules"),
    ("GET", "/v3/credentials"),
}


class PolicyTest(IdentityTestCase):
    def test_without_a_token(self) -> None:
        for operation in routes.OPERATIONS:
            if not operation.public:
                path = operation.path.removeprefix("/v3")
                response = self.call(operation.method, path, {})
                self.assertEqual(401, response.status_int, f"{operation.method} {operation.path}")
        self.assertEqual(401, self.call("GET", "/no/such/path").status_int)

    def test_a_member_of_a_project_administers_nothing(self) -> None:
        _, token = self.make_user("u", "demo", "member", "manager")
        for operation in routes.OPERATIONS:
            key = (operation.method, operation.path)
            if operation.public or key in _FOR_EVERYBODY or operation.path == "/v3/auth/tokens":
                continue
            path = re.sub(r"\{(\w+?)(_id)?\}", "no-such", operation.path.removeprefix("/v3"))
            response = self.call(operation.method, path, self._body(operation), token=token)
            self.assertIn(response.status_int, (403, 404), f"{key} {response.text}")
            if response.status_int == 404:
                # By-id access of others' things that the owner could have.
                self.assertIn("/credentials/", path)

    def _body(self, operation: object) -> object:
        schema = getattr(operation, "body", None)
        if schema is None:
            return None
        samples = {
            "string": "x",
            "array": [],
            "object": {},
            "boolean": True,
        }
        (key,) = schema.document["required"]
        inner = schema.document["properties"][key]
        if inner["type"] == "string":
            return {key: "x"}
        if inner["type"] == "array":
            return {key: []}
        values = {}
        for name in inner.get("required", ()):
            of = inner["properties"][name]
            values[name] = of["enum"][0] if "enum" in of else samples[of["type"]]
        if "url" in values:
            values["url"] = "http://x"
        if key == "credential":
            values["user_id"] = "no-such"
        return {key: values}

    def test_every_rule_an_operation_names_exists(self) -> None:
        names = [rule.name for rule in routes.RULES]
        self.assertEqual(len(names), len(set(names)))
        for operation in routes.OPERATIONS:
            if operation.rule is not None:
                self.assertIn(operation.rule, names)
