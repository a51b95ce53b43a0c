# SPDX-License-Identifier: Apache-2.0
"""Who may see and change key pairs: their user, and administrators (2.10)."""

from __future__ import annotations

from minicloud.web import policy

_OWN = f"{policy.ADMIN} or user_id:%(user_id)s"
INDEX = "os_compute_api:os-keypairs:index"
CREATE = "os_compute_api:os-keypairs:create"
SHOW = "os_compute_api:os-keypairs:show"
DELETE = "os_compute_api:os-keypairs:delete"

RULES = (
    policy.rule(INDEX, _OWN, "List key pairs", ("GET", "/os-keypairs")),
    policy.rule(CREATE, _OWN, "Create or import a key pair", ("POST", "/os-keypairs")),
    policy.rule(SHOW, _OWN, "Show a key pair", ("GET", "/os-keypairs/{keypair_name}")),
    policy.rule(DELETE, _OWN, "Delete a key pair", ("DELETE", "/os-keypairs/{keypair_name}")),
)
