# SPDX-License-Identifier: Apache-2.0
"""The policies of the compute API: those of its resources, together."""

from __future__ import annotations

from minicloud.api.routes import RESOURCES
from minicloud.web.policy import RuleDefault


def list_rules() -> list[RuleDefault]:
    """What oslopolicy-sample-generator prints (entry point ``oslo.policy.policies``)."""
    return [rule for _, package in RESOURCES for rule in getattr(package, "RULES", ())]
