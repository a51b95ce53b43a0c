# SPDX-License-Identifier: Apache-2.0
"""Networks and subnets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import Repository
from minicloud.builtin.network.entities import Network, Subnet

_NETWORKS: sa.Table = models.Network.__table__  # type: ignore[assignment]  # declared as FromClause
_SUBNETS: sa.Table = models.Subnet.__table__  # type: ignore[assignment]


def _open_to(project_id: str) -> sa.ColumnElement[bool]:
    table = _NETWORKS.c
    return sa.or_(table.project_id == project_id, table.shared.is_(True), table.router_external.is_(True))


def _open_subnets(project_id: str) -> sa.ColumnElement[bool]:
    """A project's own, those of its networks and of shared ones; not those of external networks."""
    table = _NETWORKS.c
    shared = sa.select(table.id).where(sa.or_(table.project_id == project_id, table.shared.is_(True)))
    return sa.or_(_SUBNETS.c.project_id == project_id, _SUBNETS.c.network_id.in_(shared))


networks = Repository(_NETWORKS, Network, lambda key: exception.NetworkNotFound(network_id=key), _open_to)
subnets = Repository(_SUBNETS, Subnet, lambda key: exception.SubnetNotFound(subnet_id=key), _open_subnets)

_NETWORK_FIELDS = [column.name for column in _NETWORKS.c]
_SUBNET_FIELDS = [column.name for column in _SUBNETS.c]
_BOTH = sa.select(_NETWORKS, _SUBNETS).select_from(
    _NETWORKS.outerjoin(_SUBNETS, _SUBNETS.c.network_id == _NETWORKS.c.id)
)
_THESE_BOTH = _BOTH.where(_NETWORKS.c.id.in_(sa.bindparam("wanted", expanding=True))).order_by(
    _SUBNETS.c.created_at, _SUBNETS.c.id
)


def with_subnets(conn: Connection, network_ids: list[str]) -> dict[str, tuple[Network, list[Subnet]]]:
    """Networks with their subnets, oldest first, in one statement."""
    found: dict[str, tuple[Network, list[Subnet]]] = {}
    width = len(_NETWORK_FIELDS)
    for row in conn.execute(_THESE_BOTH, {"wanted": network_ids}):
        network = Network(**dict(zip(_NETWORK_FIELDS, row[:width], strict=True)))
        _network, subnets_of = found.setdefault(network.id, (network, []))
        subnet = dict(zip(_SUBNET_FIELDS, row[width:], strict=True))
        if subnet["id"] is not None:
            subnets_of.append(Subnet(**subnet))
    return found


def usable(conn: Connection, project_id: str) -> list[Network]:
    """What a project's servers may be plugged into unasked: its own networks and shared ones."""
    own = sa.and_(_NETWORKS.c.project_id == project_id, _NETWORKS.c.router_external.is_(False))
    return networks.rows(conn, sa.or_(own, _NETWORKS.c.shared.is_(True)))


def default_external(conn: Connection) -> Network | None:
    found = networks.rows(conn, _NETWORKS.c.router_external.is_(True), _NETWORKS.c.is_default.is_(True))
    return found[0] if found else None


def auto_of(conn: Connection, project_id: str) -> Network | None:
    """The network of a project's auto-allocated topology."""
    found = networks.rows(conn, _NETWORKS.c.auto_of == project_id)
    return found[0] if found else None


def subnet_ids(conn: Connection, network_ids: list[str]) -> dict[str, list[str]]:
    """Network id -> ids of its subnets."""
    found: dict[str, list[str]] = {}
    for subnet in subnets.among(conn, "network_id", network_ids):
        found.setdefault(subnet.network_id, []).append(subnet.id)
    return found


def any_there(conn: Connection) -> bool:
    """Whether there is any network at all."""
    return conn.execute(sa.select(_NETWORKS.c.id).limit(1)).first() is not None


def use_by_others(conn: Connection, network: Network) -> bool:
    """Whether projects other than its owner have ports or subnets on a network."""
    ports: Any = models.Port.__table__
    foreign = [
        sa.select(sa.literal(1)).where(
            table.c.network_id == network.id, table.c.project_id.not_in([network.project_id, ""])
        )
        for table in (ports, _SUBNETS)
    ]
    return conn.execute(sa.union_all(*foreign).limit(1)).first() is not None


def with_segment(conn: Connection, segment: int) -> list[Network]:
    """The networks with an identifier of a tunnel."""
    return networks.rows(conn, _NETWORKS.c.provider_segmentation_id == segment)
