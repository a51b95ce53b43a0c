# SPDX-License-Identifier: Apache-2.0
"""Who may see and change quotas."""

from __future__ import annotations

from minicloud.web import policy

SHOW = "os_compute_api:os-quota-sets:show"
DEFAULTS = "os_compute_api:os-quota-sets:defaults"
DETAIL = "os_compute_api:os-quota-sets:detail"
UPDATE = "os_compute_api:os-quota-sets:update"
DELETE = "os_compute_api:os-quota-sets:delete"
CLASS_SHOW = "os_compute_api:os-quota-class-sets:show"
CLASS_UPDATE = "os_compute_api:os-quota-class-sets:update"

_ONE = "/os-quota-sets/{project_id}"
_CLASS = "/os-quota-class-sets/{quota_class}"

RULES = (
    policy.rule(SHOW, policy.ADMIN_OR_READER, "Show the quotas of a project", ("GET", _ONE)),
    policy.rule(DEFAULTS, policy.ANYONE, "Show the default quotas", ("GET", f"{_ONE}/defaults")),
    policy.rule(DETAIL, policy.ADMIN_OR_READER, "Show quotas with what is used", ("GET", f"{_ONE}/detail")),
    policy.rule(UPDATE, policy.ADMIN, "Change the quotas of a project", ("PUT", _ONE)),
    policy.rule(DELETE, policy.ADMIN, "Back to the default quotas", ("DELETE", _ONE)),
    policy.rule(CLASS_SHOW, policy.ADMIN, "Show the quotas of a class", ("GET", _CLASS)),
    policy.rule(CLASS_UPDATE, policy.ADMIN, "Change the quotas of a class", ("PUT", _CLASS)),
)
