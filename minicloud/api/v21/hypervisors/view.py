# SPDX-License-Identifier: Apache-2.0
"""A hypervisor on the wire; before 2.88 with capacity and usage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from minicloud.api.deployment import ApiCall
from minicloud.api.hosts import KnownNode
from minicloud.web.view import Field, View


@dataclass(frozen=True, slots=True)
class Usage:
    """What the servers of a node take of it."""

    vcpus: int = 0
    memory_mb: int = 0
    local_gb: int = 0
    running: int = 0
    #: Servers on which something is going on.
    workload: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A node with what this request wants to know of it."""

    known: KnownNode
    usage: Usage = Usage()
    #: (name, uuid) of its servers; None when they were not asked for.
    servers: tuple[tuple[str, str], ...] | None = None


def _service(call: ApiCall, shown: Shown) -> dict[str, Any]:
    service = shown.known.service
    if service is None:
        return {"id": None, "host": shown.known.node.host, "disabled_reason": None}
    return {
        "id": service.service.uuid if call.version >= 53 else service.service.id,
        "host": service.service.host,
        "disabled_reason": service.service.disabled_reason,
    }


def _state(call: ApiCall, shown: Shown) -> str:
    return "up" if shown.known.service is not None and shown.known.service.up else "down"


def _status(call: ApiCall, shown: Shown) -> str:
    return "disabled" if shown.known.service is not None and shown.known.service.service.disabled else "enabled"


def _servers(call: ApiCall, shown: Shown) -> list[dict[str, str]]:
    return [{"name": name, "uuid": uuid} for name, uuid in shown.servers or ()]


def _used(part: str, until: int = 87) -> Callable[[Any, Shown], int]:
    return lambda call, shown: getattr(shown.usage, part)


def _free(total: str, part: str) -> Callable[[Any, Shown], int]:
    return lambda call, shown: getattr(shown.known.node, total) - getattr(shown.usage, part)


BRIEF_FIELDS = (
    Field("id", lambda call, shown: shown.known.node.id, until=52),
    Field("id", lambda call, shown: shown.known.node.uuid, since=53),
    Field("hypervisor_hostname", lambda call, shown: shown.known.node.hypervisor_hostname),
    Field("state", _state),
    Field("status", _status),
)

BRIEF: View[Shown] = View(*BRIEF_FIELDS)

UPTIME: View[Shown] = View(*BRIEF_FIELDS, Field("uptime", lambda call, shown: shown.known.node.uptime))

FULL: View[Shown] = View(
    *BRIEF_FIELDS,
    Field("host_ip", lambda call, shown: shown.known.node.host_ip),
    Field("hypervisor_type", lambda call, shown: shown.known.node.hypervisor_type),
    Field("hypervisor_version", lambda call, shown: shown.known.node.hypervisor_version),
    Field("service", _service),
    Field("cpu_info", lambda call, shown: msgspec.json.encode(shown.known.node.cpu_info).decode(), until=27),
    Field("cpu_info", lambda call, shown: shown.known.node.cpu_info, since=28, until=87),
    Field("vcpus", lambda call, shown: shown.known.node.vcpus, until=87),
    Field("vcpus_used", _used("vcpus"), until=87),
    Field("memory_mb", lambda call, shown: shown.known.node.memory_mb, until=87),
    Field("memory_mb_used", _used("memory_mb"), until=87),
    Field("free_ram_mb", _free("memory_mb", "memory_mb"), until=87),
    Field("local_gb", lambda call, shown: shown.known.node.local_gb, until=87),
    Field("local_gb_used", _used("local_gb"), until=87),
    Field("free_disk_gb", _free("local_gb", "local_gb"), until=87),
    Field("disk_available_least", _free("local_gb", "local_gb"), until=87),
    Field("running_vms", _used("running"), until=87),
    Field("current_workload", _used("workload"), until=87),
    Field("uptime", lambda call, shown: shown.known.node.uptime, since=88),
)


def render(call: ApiCall, view: View[Shown], shown: Shown) -> dict[str, Any]:
    """With ``servers`` where they were asked for; from 2.75 on an empty list is shown too."""
    answer = view.render(call, shown)
    if shown.servers is not None and (shown.servers or call.version >= 75):
        answer["servers"] = _servers(call, shown)
    return answer
