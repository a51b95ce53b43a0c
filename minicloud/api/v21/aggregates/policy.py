# SPDX-License-Identifier: Apache-2.0
"""Who may see and change aggregates: administrators."""

from __future__ import annotations

from minicloud.web import policy

_PREFIX = "os_compute_api:os-aggregates"
_ONE = "/os-aggregates/{aggregate_id}"
INDEX = f"{_PREFIX}:index"
CREATE = f"{_PREFIX}:create"
SHOW = f"{_PREFIX}:show"
UPDATE = f"{_PREFIX}:update"
DELETE = f"{_PREFIX}:delete"
ADD_HOST = f"{_PREFIX}:add_host"
REMOVE_HOST = f"{_PREFIX}:remove_host"
SET_METADATA = f"{_PREFIX}:set_metadata"

RULES = (
    policy.rule(INDEX, policy.ADMIN, "List aggregates", ("GET", "/os-aggregates")),
    policy.rule(CREATE, policy.ADMIN, "Create an aggregate", ("POST", "/os-aggregates")),
    policy.rule(SHOW, policy.ADMIN, "Show an aggregate", ("GET", _ONE)),
    policy.rule(UPDATE, policy.ADMIN, "Rename an aggregate or move its zone", ("PUT", _ONE)),
    policy.rule(DELETE, policy.ADMIN, "Delete an aggregate", ("DELETE", _ONE)),
    policy.rule(ADD_HOST, policy.ADMIN, "Add a host", ("POST", f"{_ONE}/action")),
    policy.rule(REMOVE_HOST, policy.ADMIN, "Remove a host", ("POST", f"{_ONE}/action")),
    policy.rule(SET_METADATA, policy.ADMIN, "Set or remove metadata", ("POST", f"{_ONE}/action")),
)
