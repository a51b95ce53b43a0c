# SPDX-License-Identifier: Apache-2.0
"""What the API knows of hosts and services over all cells: zones, liveness, names on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from minicloud.api.deployment import Deployment
from minicloud.cells import Cell, Scattered
from minicloud.db.api import aggregates
from minicloud.db.cell import compute_nodes, services
from minicloud.objects import Aggregate, ComputeNode, Service
from minicloud.placement import liveness, zones
from minicloud.web.moments import now

COMPUTE = "minicloud-compute"
#: The zone of services that run no servers.
INTERNAL = "internal"

_OURS, _NOVAS = "minicloud-", "nova-"


def wire_name(binary: str) -> str:
    """Clients look for ``nova-compute``; so that is what they are shown."""
    return binary.replace(_OURS, _NOVAS, 1) if binary.startswith(_OURS) else binary


def house_name(binary: str) -> str:
    """The inverse of :func:`wire_name`."""
    return binary.replace(_NOVAS, _OURS, 1) if binary.startswith(_NOVAS) else binary


@dataclass(frozen=True, slots=True)
class KnownService:
    """A service, with what follows from its cell and its host."""

    service: Service
    cell: Cell
    up: bool
    zone: str


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A hypervisor node with its service."""

    node: ComputeNode
    service: KnownService | None
    cell: Cell


def all_aggregates(app: Deployment) -> list[Aggregate]:
    with app.api_db.reader() as conn:
        return aggregates.find_all(conn)


def all_services(app: Deployment) -> tuple[list[KnownService], tuple[Cell, ...]]:
    """Every service of every cell, and the cells that did not answer."""

    def ask(cell: Cell) -> list[Service]:
        with cell.db.reader() as conn:
            return services.find(conn)

    asked: Scattered[list[Service]] = app.cells.scatter(ask, app.cells.with_cell0())
    known_aggregates = all_aggregates(app)
    moment = now()
    found = [
        KnownService(
            service,
            app.cells.get(uuid),
            liveness.is_up(service, moment, app.conf.service_down_time),
            zones.zone_of(service.host, known_aggregates, app.conf.default_availability_zone)
            if service.binary == COMPUTE
            else INTERNAL,
        )
        for uuid, answer in asked.answers.items()
        for service in answer
    ]
    return found, asked.down


def all_nodes(app: Deployment) -> list[KnownNode]:
    """Every hypervisor node of every cell that answers."""

    def ask(cell: Cell) -> list[ComputeNode]:
        with cell.db.reader() as conn:
            return compute_nodes.find(conn)

    asked: Scattered[list[ComputeNode]] = app.cells.scatter(ask, app.cells.all())
    found, _ = all_services(app)
    by_host = {(one.cell.uuid, one.service.host): one for one in found if one.service.binary == COMPUTE}
    return [
        KnownNode(node, by_host.get((uuid, node.host)), app.cells.get(uuid))
        for uuid, answer in asked.answers.items()
        for node in answer
    ]
