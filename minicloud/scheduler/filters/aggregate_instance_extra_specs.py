# SPDX-License-Identifier: Apache-2.0
"""Extra specs that the aggregates of a host must have."""

from __future__ import annotations

from minicloud.scheduler.extra_specs import matches, scoped
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class AggregateInstanceExtraSpecsFilter(HostFilter):
    """Passes hosts whose aggregates' metadata meet the flavor's extra specs.

    Extra specs without a scope, or of the scope ``aggregate_instance_extra_specs``, are looked at.
    """

    def refusal(self, host: HostState, request: Request) -> str | None:
        for key, wanted in scoped(request.spec.flavor.extra_specs, "aggregate_instance_extra_specs"):
            values = host.metadata(key)
            if wanted == "<absent>":
                if values:
                    return f"aggregates have {key}, which must be absent"
            elif not any(matches(value, wanted) for value in values):
                return f"{key}: {wanted!r} asked, aggregates have {', '.join(sorted(values)) or 'none'}"
        return None
