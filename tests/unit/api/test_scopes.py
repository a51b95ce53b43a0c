# SPDX-License-Identifier: Apache-2.0
"""Tokens of a domain, of the system or of nothing own no project's things."""

from __future__ import annotations

import testtools

from minicloud import conf as configuration
from minicloud.context import RequestContext
from minicloud.web import policy


class Scopes(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        rules = [policy.rule("see", policy.ADMIN_OR_READER, "See."), policy.rule("do", policy.ADMIN_OR_MEMBER, "Do.")]
        self.policy = policy.Policy(configuration.new(args=[], files=[]), rules)

    def test_without_a_project_nothing_is_ones_own(self) -> None:
        roles = ["member", "reader"]
        for ctxt in (
            RequestContext(roles=roles, overwrite=False),
            RequestContext(roles=roles, domain_id="default", overwrite=False),
            RequestContext(roles=roles, system_scope="all", overwrite=False),
        ):
            for target in (None, {"project_id": None}, {"project_id": ""}, {"project_id": "None"}):
                self.assertFalse(self.policy.allows(ctxt, "see", target))
                self.assertFalse(self.policy.allows(ctxt, "do", target))

    def test_a_project_is(self) -> None:
        ctxt = RequestContext(roles=["reader"], project_id="p", overwrite=False)
        self.assertTrue(self.policy.allows(ctxt, "see"))
        self.assertFalse(self.policy.allows(ctxt, "do"))
        self.assertFalse(self.policy.allows(ctxt, "see", {"project_id": "q"}))

    def test_an_administrator_needs_none(self) -> None:
        ctxt = RequestContext(roles=["admin"], system_scope="all", overwrite=False)
        self.assertTrue(self.policy.allows(ctxt, "see", {"project_id": "q"}))
