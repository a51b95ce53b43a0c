# SPDX-License-Identifier: Apache-2.0
"""/os-hosts, until 2.42: services by host, and what a compute host has.

https://docs.openstack.org/api-ref/compute/#hosts-os-hosts-deprecated
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from minicloud import exception
from minicloud.api import hosts
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.cell import instances
from minicloud.objects import Instance
from minicloud.web import policy
from minicloud.web.operation import Operation
from minicloud.web.validation import query

LIST: Final = "os_compute_api:os-hosts:list"
SHOW: Final = "os_compute_api:os-hosts:show"
_PATH: Final = "/os-hosts"
_LAST: Final = 42

RULES = (
    policy.rule(LIST, policy.ADMIN, "List hosts.", ("GET", _PATH)),
    policy.rule(SHOW, policy.ADMIN, "Show a host.", ("GET", f"{_PATH}/{{host_name}}")),
)


def index(call: ApiCall) -> dict[str, Any]:
    zone = call.param("zone")
    service = call.param("service")
    found = [
        {
            "host_name": one.service.host,
            "service": one.service.binary.removeprefix("minicloud-"),
            "zone": one.zone,
        }
        for one in hosts.all_services(call.app)[0]
    ]
    return {
        "hosts": [one for one in found if (zone or one["zone"]) == one["zone"] and service in (None, one["service"])],
    }


def show(call: ApiCall, host_name: str) -> dict[str, Any]:
    """
    :raises NotFound: for what is no compute host
    """
    nodes = [one for one in hosts.all_nodes(call.app) if one.node.host == host_name]
    if not nodes:
        raise exception.NotFound(f"Compute host {host_name[:80]} could not be found.")
    servers = _servers(nodes[0].cell, host_name)
    total = [sum(getattr(one.node, name) for one in nodes) for name in ("vcpus", "memory_mb", "local_gb")]
    rows = [("(total)", total), ("(used_now)", _size(servers)), ("(used_max)", _size(servers))]
    by_project: dict[str, list[Instance]] = defaultdict(list)
    for one in servers:
        by_project[one.project_id].append(one)
    rows += [(project, _size(group)) for project, group in sorted(by_project.items())]
    return {
        "host": [
            {"resource": {"host": host_name, "project": name, "cpu": cpu, "memory_mb": memory, "disk_gb": disk}}
            for name, (cpu, memory, disk) in rows
        ]
    }


def _servers(cell: Cell, host: str) -> list[Instance]:
    with cell.db.reader() as conn:
        return instances.on_host(conn, host)


def _size(servers: list[Instance]) -> list[int]:
    """CPUs, MiB of memory, GiB of disk."""
    flavors = [one.flavor for one in servers]
    return [
        sum(one.vcpus for one in flavors),
        sum(one.memory_mb for one in flavors),
        sum(one.root_gb + one.ephemeral_gb for one in flavors),
    ]


_TEXT: Final = {"type": "string", "maxLength": 255}

OPERATIONS = (
    Operation("GET", _PATH, index, LIST, query=query({"zone": _TEXT, "service": _TEXT}), until=_LAST),
    Operation("GET", f"{_PATH}/{{host_name}}", show, SHOW, until=_LAST),
)
