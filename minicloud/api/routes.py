# SPDX-License-Identifier: Apache-2.0
"""The compute API as one table: the first file to open.

URL segment -> resource package. Each package has ``OPERATIONS`` (method, path, handler,
schemas, versions) and ``RULES`` (its policies); the router, the policies, the API
reference and the sample check all iterate this table.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from minicloud.api import versions
from minicloud.api.v21 import (
    aggregates,
    availability_zones,
    console_tokens,
    extensions,
    external_events,
    flavors,
    hypervisors,
    images,
    keypairs,
    limits,
    migrations,
    os_hosts,
    quota_sets,
    server_groups,
    servers,
    services,
    tenant_usage,
    usage_audit,
)
from minicloud.web.operation import Operation

#: In the order of the API reference.
RESOURCES: tuple[tuple[str, ModuleType], ...] = (
    ("extensions", extensions),
    ("servers", servers),
    ("flavors", flavors),
    ("os-keypairs", keypairs),
    ("os-server-groups", server_groups),
    ("limits", limits),
    ("os-quota-sets", quota_sets),
    ("os-aggregates", aggregates),
    ("os-availability-zone", availability_zones),
    ("os-hypervisors", hypervisors),
    ("os-services", services),
    ("os-migrations", migrations),
    ("os-console-auth-tokens", console_tokens),
    ("os-hosts", os_hosts),
    ("images", images),
    ("os-simple-tenant-usage", tenant_usage),
    ("os-instance_usage_audit_log", usage_audit),
    ("os-server-external-events", external_events),
)


def operations() -> list[Operation]:
    """Every operation with its full path; /v2.1 and /v2 serve the same resources."""
    resources = [operation for _, package in RESOURCES for operation in package.OPERATIONS]
    return [
        *versions.OPERATIONS,
        *(
            replace(operation, path=f"/{prefix}{operation.path}")
            for prefix in ("v2.1", "v2")
            for operation in resources
        ),
    ]
