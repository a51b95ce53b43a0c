# SPDX-License-Identifier: Apache-2.0
"""The whole API as one table."""

from __future__ import annotations

from minicloud.builtin.identity.api import (
    assignments,
    catalog,
    credentials,
    ec2,
    projects,
    roles,
    tokens,
    users,
    versions,
)
from minicloud.web.policy import RuleDefault

OPERATIONS = (
    *versions.OPERATIONS,
    *tokens.OPERATIONS,
    *projects.OPERATIONS,
    *users.OPERATIONS,
    *roles.OPERATIONS,
    *assignments.OPERATIONS,
    *catalog.OPERATIONS,
    *credentials.OPERATIONS,
    *ec2.OPERATIONS,
)

RULES = (
    *tokens.RULES,
    *projects.RULES,
    *users.RULES,
    *roles.RULES,
    *assignments.RULES,
    *catalog.RULES,
    *credentials.RULES,
    *ec2.RULES,
)


def list_rules() -> tuple[RuleDefault, ...]:
    """What oslopolicy-sample-generator prints (entry point ``oslo.policy.policies``)."""
    return RULES
