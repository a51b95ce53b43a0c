# SPDX-License-Identifier: Apache-2.0
"""Who may see hypervisors: administrators."""

from __future__ import annotations

from minicloud.web import policy

_ONE = "/os-hypervisors/{hypervisor_id}"
LIST = "os_compute_api:os-hypervisors:list"
DETAIL = "os_compute_api:os-hypervisors:list-detail"
SHOW = "os_compute_api:os-hypervisors:show"
STATISTICS = "os_compute_api:os-hypervisors:statistics"
UPTIME = "os_compute_api:os-hypervisors:uptime"
SEARCH = "os_compute_api:os-hypervisors:search"
SERVERS = "os_compute_api:os-hypervisors:servers"

RULES = (
    policy.rule(LIST, policy.ADMIN, "List hypervisors", ("GET", "/os-hypervisors")),
    policy.rule(DETAIL, policy.ADMIN, "List hypervisors with details", ("GET", "/os-hypervisors/detail")),
    policy.rule(SHOW, policy.ADMIN, "Show a hypervisor", ("GET", _ONE)),
    policy.rule(STATISTICS, policy.ADMIN, "Sums over all hypervisors", ("GET", "/os-hypervisors/statistics")),
    policy.rule(UPTIME, policy.ADMIN, "Show the uptime of a hypervisor", ("GET", f"{_ONE}/uptime")),
    policy.rule(SEARCH, policy.ADMIN, "Find hypervisors by name", ("GET", f"{_ONE}/search")),
    policy.rule(SERVERS, policy.ADMIN, "List the servers of hypervisors", ("GET", f"{_ONE}/servers")),
)
