# SPDX-License-Identifier: Apache-2.0
"""What the scheduler is asked, what it sees and what it answers."""

from __future__ import annotations

from typing import Any

from minicloud.objects.base import Struct
from minicloud.objects.flavor import Flavor
from minicloud.objects.instance import Instance
from minicloud.objects.network import NetworkRequest


class RequestSpec(Struct, frozen=True, kw_only=True):
    """What one request for servers asks of a host; kept with each server for later moves."""

    project_id: str
    user_id: str
    flavor: Flavor
    image_id: str = ""
    image_properties: dict[str, Any] = {}
    availability_zone: str | None = None
    #: Hints as given: group, different_host, same_host, query, build_near_host_ip …
    scheduler_hints: dict[str, Any] = {}
    server_group: str | None = None
    #: Admin's choice of host or node (2.74); still checked by the filters.
    force_hosts: tuple[str, ...] = ()
    force_nodes: tuple[str, ...] = ()
    #: Hosts that failed already.
    ignore_hosts: tuple[str, ...] = ()
    requested_networks: tuple[NetworkRequest, ...] = ()
    #: "auto", "none" or "" (as listed in requested_networks, or all of the project's)
    network_mode: str = ""
    security_groups: tuple[str, ...] = ()
    num_instances: int = 1
    #: Attempts made so far, counted by the scheduler.
    attempts: int = 0


class BuildRequest(Struct, frozen=True, kw_only=True):
    """Servers accepted by the API and not yet on a host."""

    instance: Instance
    spec: RequestSpec


class HostChoice(Struct, frozen=True, kw_only=True):
    """A host of a cell that passed; an alternate carries no claim yet."""

    host: str
    node: str
    cell_uuid: str
    provider_uuid: str


class HostReason(Struct, frozen=True, kw_only=True):
    """Why a host was not chosen: filter or claim, with the numbers."""

    host: str
    step: str
    reason: str


class Decision(Struct, frozen=True, kw_only=True):
    """What the scheduler decided for one server, kept for ``minicloud explain``."""

    instance_uuid: str
    chosen: str | None = None
    weight: float | None = None
    considered: int = 0
    reasons: tuple[HostReason, ...] = ()
    attempt: int = 1
