# SPDX-License-Identifier: Apache-2.0
"""Extra specs that the host itself must meet."""

from __future__ import annotations

from typing import Any

from minicloud.scheduler.extra_specs import matches, scoped
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class ComputeCapabilitiesFilter(HostFilter):
    """Passes hosts whose capabilities meet the flavor's extra specs.

    Extra specs without a scope, or of the scope ``capabilities``, name a field of the compute node
    or one of its stats, such as ``capabilities:hypervisor_type`` or ``capabilities:cpu_info:vendor``.
    """

    def refusal(self, host: HostState, request: Request) -> str | None:
        for key, wanted in scoped(request.spec.flavor.extra_specs, "capabilities"):
            value = _value(host, key.split(":"))
            if value is None or not matches(str(value), wanted):
                return f"{key}: {wanted!r} asked, {'nothing' if value is None else repr(value)} here"
        return None


def _value(host: HostState, path: list[str]) -> Any:
    """A capability by its path; None when the host has no such thing."""
    first = {"free_ram_mb": "MEMORY_MB", "vcpus_free": "VCPU", "free_disk_gb": "DISK_GB"}.get(path[0])
    if first is not None:
        return host.free(first)
    value: Any = getattr(host.node, path[0], None) if path[0] in host.node.__struct_fields__ else None
    if value is None:
        value = host.node.stats.get(path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value
