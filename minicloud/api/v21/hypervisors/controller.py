# SPDX-License-Identifier: Apache-2.0
"""List and show hypervisors, their usage and their servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicloud import exception
from minicloud.api import hosts, links
from minicloud.api.deployment import ApiCall
from minicloud.api.hosts import KnownNode
from minicloud.api.v21.hypervisors import policy, view
from minicloud.db.cell import instances
from minicloud.objects import Instance
from minicloud.web.operation import Operation
from minicloud.web.paging import PAGING
from minicloud.web.validation import query
from minicloud.web.view import View

_PAGED = {key: {**form, "x-since": 33} for key, form in PAGING.items()}
_WITH_SERVERS = {"with_servers": {"type": "string", "maxLength": 10, "x-since": 53}}
LIST = query(
    {**_PAGED, **_WITH_SERVERS, "hypervisor_hostname_pattern": {"type": "string", "maxLength": 255, "x-since": 53}},
    strict_since=53,
)
SHOW = query(_WITH_SERVERS, strict_since=53)


def _identity(call: ApiCall, known: KnownNode) -> str:
    return known.node.uuid if call.version >= 53 else str(known.node.id)


def _guests(known: KnownNode) -> list[Instance]:
    with known.cell.db.reader() as conn:
        return [
            one
            for one in instances.on_host(conn, known.node.host)
            if one.node in (None, known.node.hypervisor_hostname)
        ]


def _shown(known: KnownNode, *, usage: bool, servers: bool) -> view.Shown:
    guests = _guests(known) if usage or servers else []
    return view.Shown(
        known,
        _usage(guests) if usage else view.Usage(),
        tuple((one.display_name, one.uuid) for one in guests) if servers else None,
    )


def _usage(guests: Sequence[Instance]) -> view.Usage:
    return view.Usage(
        vcpus=sum(one.flavor.vcpus for one in guests),
        memory_mb=sum(one.flavor.memory_mb for one in guests),
        local_gb=sum(one.flavor.root_gb + one.flavor.ephemeral_gb for one in guests),
        running=len(guests),
        workload=sum(one.task_state is not None for one in guests),
    )


def index(call: ApiCall) -> dict[str, Any]:
    return _list(call, view.BRIEF, "/os-hypervisors", usage=False)


def detail(call: ApiCall) -> dict[str, Any]:
    return _list(call, view.FULL, "/os-hypervisors/detail", usage=call.version < 88)


def _list(call: ApiCall, shape: View[view.Shown], path: str, *, usage: bool) -> dict[str, Any]:
    servers = call.version >= 53 and "with_servers" in call.query and _with_servers(call)
    found = hosts.all_nodes(call.app)
    pattern = call.param("hypervisor_hostname_pattern") if call.version >= 53 else None
    if pattern is not None:
        if call.param("limit") or call.param("marker"):
            raise exception.BadRequest("Paging over hypervisors with the hypervisor_hostname_pattern is not supported.")
        found = _matching(found, pattern)
    more = False
    if call.version >= 33:
        found, more = links.page(call, found, lambda known: _identity(call, known))
    shown = [view.render(call, shape, _shown(known, usage=usage, servers=servers)) for known in found]
    answer: dict[str, Any] = {"hypervisors": shown}
    if more:
        answer |= links.next_page(call, "hypervisors", path, _identity(call, found[-1]))
    return answer


def _with_servers(call: ApiCall) -> bool:
    text = str(call.param("with_servers")).strip().lower()
    if text not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise exception.BadRequest(f"with_servers must be true or false, not {text[:20]!r}")
    return call.flag("with_servers")


def _matching(found: list[KnownNode], pattern: str) -> list[KnownNode]:
    matching = [known for known in found if pattern in known.node.hypervisor_hostname]
    if not matching:
        raise exception.NotFound(f"No hypervisor matching '{pattern}' could be found.")
    return matching


def _find(call: ApiCall, hypervisor_id: str) -> KnownNode:
    if call.version >= 53 and len(hypervisor_id.replace("-", "")) != 32:
        raise exception.BadRequest(f"Invalid uuid {hypervisor_id[:60]}")
    for known in hosts.all_nodes(call.app):
        if _identity(call, known) == hypervisor_id:
            return known
    raise exception.HypervisorNotFound(hypervisor_id=hypervisor_id)


def show(call: ApiCall, hypervisor_id: str) -> dict[str, Any]:
    known = _find(call, hypervisor_id)
    servers = call.version >= 53 and "with_servers" in call.query and _with_servers(call)
    shown = _shown(known, usage=call.version < 88, servers=servers)
    return {"hypervisor": view.render(call, view.FULL, shown)}


def uptime(call: ApiCall, hypervisor_id: str) -> dict[str, Any]:
    known = _find(call, hypervisor_id)
    if known.service is None or not known.service.up:
        raise exception.BadRequest(f"Compute service of {known.node.host} is unavailable at this time.")
    return {"hypervisor": view.render(call, view.UPTIME, _shown(known, usage=False, servers=False))}


def statistics(call: ApiCall) -> dict[str, Any]:
    """Sums over hypervisors whose service is enabled."""
    found = [
        known for known in hosts.all_nodes(call.app) if known.service is None or not known.service.service.disabled
    ]
    used = [(known.node, _usage(_guests(known))) for known in found]
    totals = {
        "count": len(used),
        "vcpus": sum(node.vcpus for node, _ in used),
        "memory_mb": sum(node.memory_mb for node, _ in used),
        "local_gb": sum(node.local_gb for node, _ in used),
        "vcpus_used": sum(usage.vcpus for _, usage in used),
        "memory_mb_used": sum(usage.memory_mb for _, usage in used),
        "local_gb_used": sum(usage.local_gb for _, usage in used),
        "running_vms": sum(usage.running for _, usage in used),
        "current_workload": sum(usage.workload for _, usage in used),
    }
    totals["free_ram_mb"] = totals["memory_mb"] - totals["memory_mb_used"]
    totals["free_disk_gb"] = totals["disk_available_least"] = totals["local_gb"] - totals["local_gb_used"]
    return {"hypervisor_statistics": totals}


def search(call: ApiCall, hypervisor_id: str) -> dict[str, Any]:
    return _by_name(call, hypervisor_id, servers=False)


def servers(call: ApiCall, hypervisor_id: str) -> dict[str, Any]:
    return _by_name(call, hypervisor_id, servers=True)


def _by_name(call: ApiCall, pattern: str, *, servers: bool) -> dict[str, Any]:
    found = _matching(hosts.all_nodes(call.app), pattern)
    shown = [_shown(known, usage=False, servers=servers) for known in found]
    return {"hypervisors": [view.render(call, view.BRIEF, one) for one in shown]}


_ONE = "/os-hypervisors/{hypervisor_id}"

OPERATIONS = (
    Operation("GET", "/os-hypervisors", index, rule=policy.LIST, query=LIST),
    Operation("GET", "/os-hypervisors/detail", detail, rule=policy.DETAIL, query=LIST),
    Operation("GET", "/os-hypervisors/statistics", statistics, rule=policy.STATISTICS, until=87),
    Operation("GET", _ONE, show, rule=policy.SHOW, query=SHOW),
    Operation("GET", f"{_ONE}/uptime", uptime, rule=policy.UPTIME, until=87),
    Operation("GET", f"{_ONE}/search", search, rule=policy.SEARCH, until=52),
    Operation("GET", f"{_ONE}/servers", servers, rule=policy.SERVERS, until=52),
)
