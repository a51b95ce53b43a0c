# SPDX-License-Identifier: Apache-2.0
"""Who may see and change server groups."""

from __future__ import annotations

from minicloud.web import policy

INDEX = "os_compute_api:os-server-groups:index"
INDEX_ALL = "os_compute_api:os-server-groups:index:all_projects"
CREATE = "os_compute_api:os-server-groups:create"
SHOW = "os_compute_api:os-server-groups:show"
DELETE = "os_compute_api:os-server-groups:delete"

_ONE = "/os-server-groups/{server_group_id}"

RULES = (
    policy.rule(INDEX, policy.ADMIN_OR_READER, "List server groups", ("GET", "/os-server-groups")),
    policy.rule(INDEX_ALL, policy.ADMIN, "List those of all projects", ("GET", "/os-server-groups")),
    policy.rule(CREATE, policy.ADMIN_OR_MEMBER, "Create a server group", ("POST", "/os-server-groups")),
    policy.rule(SHOW, policy.ADMIN_OR_READER, "Show a server group", ("GET", _ONE)),
    policy.rule(DELETE, policy.ADMIN_OR_MEMBER, "Delete a server group", ("DELETE", _ONE)),
)
