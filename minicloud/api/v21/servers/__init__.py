# SPDX-License-Identifier: Apache-2.0
"""Servers and everything below them in the URL."""

from __future__ import annotations

from minicloud.api.v21.servers import (
    actions,
    controller,
    diagnostics,
    instance_actions,
    interfaces,
    ips,
    metadata,
    password,
    remote_consoles,
    security_groups,
    tags,
)
from minicloud.api.v21.servers.policy import RULES

__all__ = ["OPERATIONS", "RULES"]

OPERATIONS = (
    *controller.OPERATIONS,
    *actions.OPERATIONS,
    *ips.OPERATIONS,
    *metadata.OPERATIONS,
    *tags.OPERATIONS,
    *instance_actions.OPERATIONS,
    *interfaces.OPERATIONS,
    *security_groups.OPERATIONS,
    *password.OPERATIONS,
    *remote_consoles.OPERATIONS,
    *diagnostics.OPERATIONS,
)
