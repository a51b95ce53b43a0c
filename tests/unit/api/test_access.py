# SPDX-License-Identifier: Apache-2.0
"""Who may do what: nothing without a token, and every operation for the personas it is meant for."""

from __future__ import annotations

import re
from typing import ClassVar

import testtools
from testscenarios import WithScenarios

from minicloud.web.router import Router
from tests.unit.api.base import ApiTest
from tests.unit.api.requests import REQUESTS, Valid

#: Personas by what they may, the least first.
RANKS = ("reader", "member", "admin")


class Table(testtools.TestCase):
    def test_every_operation_has_a_valid_request(self) -> None:
        router = Router(ApiTest.operations)
        sent = {router.find(one.method, one.path.partition("?")[0], one.version)[0] for one in REQUESTS}
        rest = {
            (one.method, one.path)
            for one in ApiTest.operations
            if one not in sent and not one.path.startswith("/servers") and one.since <= 1
        }
        self.assertEqual(set(), rest)


class Tokens(ApiTest):
    def test_nothing_without_a_token(self) -> None:
        for operation in self.operations:
            path = re.sub(r"\{\w+\}", "x", operation.path)
            for token in ("", "expired"):
                response = self.request(operation.method, path, version=operation.since, token=token)
                self.assertEqual(401, response.status_int, str((operation.method, path, response.text)))


class Personas(WithScenarios, ApiTest):  # type: ignore[misc]  # testscenarios is untyped
    scenarios: ClassVar = [(f"{one.method} {one.path} {one.version}", {"valid": one}) for one in REQUESTS]
    valid: Valid

    def test_only_those_who_may(self) -> None:
        valid, things = self.valid, self.things()
        path = valid.path.format(**things)
        before = self.dump()
        for token in RANKS[: RANKS.index(valid.who)]:
            message = self.refused(403, valid.method, path, valid.body, version=valid.version, token=token)
            self.assertIn("Policy doesn't allow os_compute_api:", message)
            self.assertEqual(before, self.dump())
        response = self.request(valid.method, path, valid.body, version=valid.version, token=valid.who)
        self.assertIn(response.status_int, (200, 201, 202, 204), response.text)
