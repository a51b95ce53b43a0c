# SPDX-License-Identifier: Apache-2.0
"""Who may see and change flavors."""

from __future__ import annotations

from minicloud.web import policy

CREATE = "os_compute_api:os-flavor-manage:create"
UPDATE = "os_compute_api:os-flavor-manage:update"
DELETE = "os_compute_api:os-flavor-manage:delete"
ACCESS = "os_compute_api:os-flavor-access"
ADD_ACCESS = "os_compute_api:os-flavor-access:add_tenant_access"
REMOVE_ACCESS = "os_compute_api:os-flavor-access:remove_tenant_access"
SPECS_INDEX = "os_compute_api:os-flavor-extra-specs:index"
SPECS_SHOW = "os_compute_api:os-flavor-extra-specs:show"
SPECS_CREATE = "os_compute_api:os-flavor-extra-specs:create"
SPECS_UPDATE = "os_compute_api:os-flavor-extra-specs:update"
SPECS_DELETE = "os_compute_api:os-flavor-extra-specs:delete"
#: Everything, also what is not public.
SEE_ALL = "os_compute_api:flavors:see_all"

_SPECS = "/flavors/{flavor_id}/os-extra_specs"

RULES = (
    policy.rule(CREATE, policy.ADMIN, "Create a flavor", ("POST", "/flavors")),
    policy.rule(UPDATE, policy.ADMIN, "Update a flavor", ("PUT", "/flavors/{flavor_id}")),
    policy.rule(DELETE, policy.ADMIN, "Delete a flavor", ("DELETE", "/flavors/{flavor_id}")),
    policy.rule(ACCESS, policy.ADMIN, "List who may use a flavor", ("GET", "/flavors/{flavor_id}/os-flavor-access")),
    policy.rule(ADD_ACCESS, policy.ADMIN, "Let a project use a flavor", ("POST", "/flavors/{flavor_id}/action")),
    policy.rule(REMOVE_ACCESS, policy.ADMIN, "Take a flavor from a project", ("POST", "/flavors/{flavor_id}/action")),
    policy.rule(SPECS_INDEX, policy.ADMIN_OR_READER, "List extra specs, also within flavors", ("GET", _SPECS)),
    policy.rule(SPECS_SHOW, policy.ADMIN_OR_READER, "Show one extra spec", ("GET", f"{_SPECS}/{{key}}")),
    policy.rule(SPECS_CREATE, policy.ADMIN, "Add extra specs", ("POST", _SPECS)),
    policy.rule(SPECS_UPDATE, policy.ADMIN, "Change an extra spec", ("PUT", f"{_SPECS}/{{key}}")),
    policy.rule(SPECS_DELETE, policy.ADMIN, "Remove an extra spec", ("DELETE", f"{_SPECS}/{{key}}")),
    policy.rule(SEE_ALL, policy.ADMIN, "See flavors that are not public", ("GET", "/flavors")),
)
