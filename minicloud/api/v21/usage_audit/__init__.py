# SPDX-License-Identifier: Apache-2.0
"""/os-instance_usage_audit_log: audits of a month, which this cloud's hosts do not write.

https://docs.openstack.org/api-ref/compute/#server-usage-audit-log-os-instance-usage-audit-log
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from minicloud import exception
from minicloud.api import hosts
from minicloud.api.deployment import ApiCall
from minicloud.web import policy
from minicloud.web.moments import now, parse
from minicloud.web.operation import Operation

LIST: Final = "os_compute_api:os-instance-usage-audit-log:list"
SHOW: Final = "os_compute_api:os-instance-usage-audit-log:show"
_PATH: Final = "/os-instance_usage_audit_log"

RULES = (
    policy.rule(LIST, policy.ADMIN, "See the usage audits of last month.", ("GET", _PATH)),
    policy.rule(SHOW, policy.ADMIN, "See the usage audits before a moment.", ("GET", f"{_PATH}/{{before}}")),
)


def index(call: ApiCall) -> dict[str, Any]:
    return {"instance_usage_audit_logs": _log(call, now())}


def show(call: ApiCall, before: str) -> dict[str, Any]:
    """
    :raises BadRequest: for what is no moment
    """
    moment = parse(before)
    if moment is None:
        raise exception.BadRequest(f"Invalid timestamp for date {before[:40]}")
    return {"instance_usage_audit_log": _log(call, moment)}


def _log(call: ApiCall, moment: datetime) -> dict[str, Any]:
    """Of the whole month before the one that a moment is in: no host has audited it."""
    stop = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = stop.replace(year=stop.year - 1, month=12) if stop.month == 1 else stop.replace(month=stop.month - 1)
    known = sorted({one.service.host for one in hosts.all_services(call.app)[0] if one.service.binary == hosts.COMPUTE})
    return {
        "period_beginning": str(start),
        "period_ending": str(stop),
        "num_hosts": len(known),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(known),
        "hosts_not_run": known,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(known)} hosts done. 0 errors.",
        "log": {},
    }


OPERATIONS = (
    Operation("GET", _PATH, index, LIST),
    Operation("GET", f"{_PATH}/{{before}}", show, SHOW),
)
