# SPDX-License-Identifier: Apache-2.0
"""/limits: https://docs.openstack.org/api-ref/compute/#limits-limits"""

from __future__ import annotations

from typing import Any, NamedTuple

from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.db.api import mappings, server_groups
from minicloud.web import policy
from minicloud.web.operation import Operation
from minicloud.web.validation import query

LIMITS = "os_compute_api:limits"
OTHERS = "os_compute_api:limits:other_project"

RULES = (
    policy.rule(LIMITS, policy.ANYONE, "Show the limits of one's own project", ("GET", "/limits")),
    policy.rule(OTHERS, policy.ADMIN, "Show those of another project", ("GET", "/limits")),
)

WHOSE = query({"tenant_id": {"type": "string"}, "reserved": {"type": "string"}})


class _Row(NamedTuple):
    name: str
    #: Resource of the quotas; empty for one that this release no longer limits.
    resource: str
    until: int | None = None


#: Limit on the wire -> quota. What belongs to the network service was -1 before it vanished.
ROWS = (
    _Row("maxTotalInstances", "instances"),
    _Row("maxTotalCores", "cores"),
    _Row("maxTotalRAMSize", "ram"),
    _Row("maxTotalKeypairs", "key_pairs"),
    _Row("maxServerMeta", "metadata_items"),
    _Row("maxServerGroups", "server_groups"),
    _Row("maxServerGroupMembers", "server_group_members"),
    _Row("maxImageMeta", "metadata_items", until=38),
    _Row("maxPersonality", "injected_files", until=56),
    _Row("maxPersonalitySize", "injected_file_content_bytes", until=56),
    _Row("maxTotalFloatingIps", "", until=35),
    _Row("maxSecurityGroups", "", until=35),
    _Row("maxSecurityGroupRules", "", until=35),
)


def show(call: ApiCall) -> dict[str, Any]:
    project = call.param("tenant_id") or str(call.ctxt.project_id)
    if project != call.ctxt.project_id:
        call.authorize(OTHERS)
    with call.app.api_db.reader() as conn:
        limits = quota.project_limits(call.app.conf, conn, project)
        used = mappings.usage(conn, project)
        groups = server_groups.count(conn, project)
    absolute = {
        row.name: limits.get(row.resource, quota.UNLIMITED)
        for row in ROWS
        if row.until is None or call.version <= row.until
    }
    absolute |= {
        "totalInstancesUsed": used.instances,
        "totalCoresUsed": used.cores,
        "totalRAMUsed": used.ram,
        "totalServerGroupsUsed": groups,
    }
    if call.version <= 35:
        absolute |= {"totalSecurityGroupsUsed": 0, "totalFloatingIpsUsed": 0}
    return {"limits": {"rate": [], "absolute": absolute}}


OPERATIONS = (
    Operation(
        "GET",
        "/limits",
        show,
        rule=LIMITS,
        query=query({"tenant_id": {"type": "string"}, "reserved": {"type": "string"}}),
    ),
)
