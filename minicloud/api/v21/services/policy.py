# SPDX-License-Identifier: Apache-2.0
"""Who may see and change services."""

from __future__ import annotations

from minicloud.web import policy

LIST = "os_compute_api:os-services:list"
UPDATE = "os_compute_api:os-services:update"
DELETE = "os_compute_api:os-services:delete"

RULES = (
    policy.rule(LIST, policy.ADMIN, "List the services", ("GET", "/os-services")),
    policy.rule(UPDATE, policy.ADMIN, "Enable, disable, force down", ("PUT", "/os-services/{service_id}")),
    policy.rule(DELETE, policy.ADMIN, "Forget a service", ("DELETE", "/os-services/{service_id}")),
)
