# SPDX-License-Identifier: Apache-2.0
"""/os-availability-zone: https://docs.openstack.org/api-ref/compute/#availability-zones-os-availability-zone"""

from __future__ import annotations

from typing import Any

from minicloud.api import hosts
from minicloud.api.deployment import ApiCall
from minicloud.web import policy
from minicloud.web.moments import iso_micro
from minicloud.web.operation import Operation

LIST = "os_compute_api:os-availability-zone:list"
DETAIL = "os_compute_api:os-availability-zone:detail"

RULES = (
    policy.rule(LIST, policy.ANYONE, "List the availability zones", ("GET", "/os-availability-zone")),
    policy.rule(DETAIL, policy.ADMIN, "List them with hosts and services", ("GET", "/os-availability-zone/detail")),
)


def _zone(name: str, available: bool, shown_hosts: dict[str, Any] | None) -> dict[str, Any]:
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": shown_hosts}


def _grouped(call: ApiCall) -> dict[str, list[hosts.KnownService]]:
    found, _ = hosts.all_services(call.app)
    groups: dict[str, list[hosts.KnownService]] = {}
    for one in found:
        groups.setdefault(one.zone, []).append(one)
    return groups


def index(call: ApiCall) -> dict[str, Any]:
    """A zone is available as long as one of its hosts takes servers."""
    zones = {name: members for name, members in _grouped(call).items() if name != hosts.INTERNAL}
    return {
        "availabilityZoneInfo": [
            _zone(name, any(not one.service.disabled for one in members), None)
            for name, members in sorted(zones.items())
        ]
    }


def detail(call: ApiCall) -> dict[str, Any]:
    return {
        "availabilityZoneInfo": [
            _zone(name, any(not one.service.disabled for one in members), _services(members))
            for name, members in sorted(_grouped(call).items())
        ]
    }


def _services(members: list[hosts.KnownService]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for one in members:
        shown.setdefault(one.service.host, {})[hosts.wire_name(one.service.binary)] = {
            "active": not one.service.disabled,
            "available": one.up,
            "updated_at": iso_micro(one.service.last_seen_up),
        }
    return shown


OPERATIONS = (
    Operation("GET", "/os-availability-zone", index, rule=LIST),
    Operation("GET", "/os-availability-zone/detail", detail, rule=DETAIL),
)
