# SPDX-License-Identifier: Apache-2.0
"""Ports, their security groups and their further bindings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import CHUNK, Repository
from minicloud.builtin.network.entities import Binding, Port

_TABLE: sa.Table = models.Port.__table__  # type: ignore[assignment]  # declared as FromClause
_NETWORKS: Any = models.Network.__table__
_GROUPS: Any = models.PortSecurityGroup.__table__
_BINDINGS: Any = models.Binding.__table__
_ADDRESSES: Any = models.Address.__table__


def _visible(project_id: str) -> sa.ColumnElement[bool]:
    """A project's own ports, and all ports on its networks."""
    own = sa.select(_NETWORKS.c.id).where(_NETWORKS.c.project_id == project_id)
    return sa.or_(_TABLE.c.project_id == project_id, _TABLE.c.network_id.in_(own))


ports = Repository(_TABLE, Port, lambda key: exception.PortNotFound(port_id=key), _visible)

#: Vif type, inside, of a port that compute has taken off a host and keeps for its server; outside it is unbound.
PARKED = "parked"

#: What is bound to a host was bound by compute or an administrator; else a device is what a user says it is.
_BOUND = sa.or_(_TABLE.c.binding_host_id != "", _TABLE.c.binding_vif_type == PARKED)
_OF_DEVICE = (
    sa.select(_TABLE)
    .where(_TABLE.c.device_id == sa.bindparam("device"))
    .order_by(_TABLE.c.device_order, _TABLE.c.created_at, _TABLE.c.id)
)


def of_device(conn: Connection, device_id: str) -> list[Port]:
    """The ports of a router, in their order."""
    return [Port(**row) for row in conn.execute(_OF_DEVICE, {"device": device_id}).mappings()]


def of_server(conn: Connection, server_id: str) -> list[Port]:
    """The ports that are plugged into a server, in their order."""
    return [Port(**row) for row in conn.execute(_OF_DEVICE.where(_BOUND), {"device": server_id}).mappings()]


def of_servers(conn: Connection, device_ids: Sequence[str]) -> list[Port]:
    """The ports that are plugged into several servers, each server's in their order."""
    found: list[Port] = []
    for at in range(0, len(device_ids), CHUNK):
        query = sa.select(_TABLE).where(_TABLE.c.device_id.in_(device_ids[at : at + CHUNK]), _BOUND)
        query = query.order_by(_TABLE.c.device_order, _TABLE.c.created_at, _TABLE.c.id)
        found += [Port(**row) for row in conn.execute(query).mappings()]
    return found


def of_any_server(conn: Connection) -> list[Port]:
    """The ports that are plugged into servers, whichever."""
    return ports.rows(conn, _TABLE.c.device_owner.startswith("compute:"), _TABLE.c.device_id != "", _BOUND)


def on_network(conn: Connection, network_id: str) -> list[Port]:
    return ports.rows(conn, _TABLE.c.network_id == network_id)


def router_interfaces(conn: Connection, subnet_id: str) -> list[Port]:
    """The ports by which routers are in a subnet."""
    here = sa.select(_ADDRESSES.c.port_id).where(_ADDRESSES.c.subnet_id == subnet_id)
    return ports.rows(conn, _TABLE.c.device_owner == "network:router_interface", _TABLE.c.id.in_(here))


def with_address(subnet_ids: Sequence[str], addresses: Sequence[str], fragments: Sequence[str] = ()) -> Any:
    """A clause: ports with one of the addresses, or whose address has a text in it, in one of the subnets."""
    query = sa.select(_ADDRESSES.c.port_id)
    if subnet_ids:
        query = query.where(_ADDRESSES.c.subnet_id.in_(subnet_ids))
    if addresses:
        query = query.where(_ADDRESSES.c.address.in_(addresses))
    if fragments:
        query = query.where(sa.or_(*(_ADDRESSES.c.address.contains(text, autoescape=True) for text in fragments)))
    return _TABLE.c.id.in_(query)


def with_security_group(group_ids: Sequence[str]) -> Any:
    """A clause: ports in one of the groups."""
    return _TABLE.c.id.in_(sa.select(_GROUPS.c.port_id).where(_GROUPS.c.security_group_id.in_(group_ids)))


def security_groups(conn: Connection, port_ids: Sequence[str]) -> dict[str, list[str]]:
    """Port id -> ids of its security groups."""
    found: dict[str, list[str]] = {port_id: [] for port_id in port_ids}
    for at in range(0, len(port_ids), CHUNK):
        query = sa.select(_GROUPS).where(_GROUPS.c.port_id.in_(port_ids[at : at + CHUNK]))
        for port_id, group_id in conn.execute(query.order_by(_GROUPS.c.security_group_id)):
            found[port_id].append(group_id)
    return found


def add_security_groups(conn: Connection, groups: Mapping[str, Sequence[str]]) -> None:
    """
    :param groups: port id -> group ids
    """
    rows = [{"port_id": port, "security_group_id": group} for port, several in groups.items() for group in several]
    if rows:
        conn.execute(sa.insert(_GROUPS), rows)


def set_security_groups(conn: Connection, port_id: str, groups: Sequence[str]) -> None:
    conn.execute(sa.delete(_GROUPS).where(_GROUPS.c.port_id == port_id))
    add_security_groups(conn, {port_id: groups})


def delete_all(conn: Connection, port_ids: Sequence[str]) -> None:
    """Delete ports; what hangs on them goes with them."""
    tags: Any = models.Tag.__table__
    conn.execute(sa.delete(tags).where(tags.c.resource_id.in_(port_ids)))
    conn.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(port_ids)))


def bindings(conn: Connection, port_id: str) -> list[Binding]:
    """The bindings of a port that are not active."""
    query = sa.select(_BINDINGS).where(_BINDINGS.c.port_id == port_id).order_by(_BINDINGS.c.host)
    return [Binding(**row) for row in conn.execute(query).mappings()]


def add_binding(conn: Connection, binding: Binding) -> None:
    row = {field: getattr(binding, field) for field in Binding.__struct_fields__}
    conn.execute(sa.insert(_BINDINGS), [row])


def remove_binding(conn: Connection, port_id: str, host: str) -> bool:
    query = sa.delete(_BINDINGS).where(_BINDINGS.c.port_id == port_id, _BINDINGS.c.host == host)
    return bool(conn.execute(query).rowcount)


def on_host(conn: Connection, host: str) -> list[Port]:
    """What is plugged in on a host, without the network service's own."""
    return ports.rows(conn, _TABLE.c.binding_host_id == host, ~_TABLE.c.device_owner.startswith("network:"))


def networks_with_guests(conn: Connection) -> set[str]:
    """The networks that something is plugged into, on whichever host."""
    query = sa.select(_TABLE.c.network_id).where(_BOUND, ~_TABLE.c.device_owner.startswith("network:")).distinct()
    return set(conn.execute(query).scalars())


def in_groups(conn: Connection, group_ids: Sequence[str]) -> dict[str, list[str]]:
    """Security group -> ids of the ports in it."""
    found: dict[str, list[str]] = {group_id: [] for group_id in group_ids}
    for at in range(0, len(group_ids), CHUNK):
        query = sa.select(_GROUPS).where(_GROUPS.c.security_group_id.in_(group_ids[at : at + CHUNK]))
        for port_id, group_id in conn.execute(query.order_by(_GROUPS.c.port_id)):
            found[group_id].append(port_id)
    return found


def set_status(conn: Connection, port_id: str, host: str, status: str) -> bool:
    """Note whether a port is up; counts as no revision of it.

    :returns: whether it was otherwise, and still bound to the host
    """
    query = sa.update(_TABLE).where(_TABLE.c.id == port_id, _TABLE.c.binding_host_id == host, _TABLE.c.status != status)
    return bool(conn.execute(query.values(status=status)).rowcount)


def of_routers(conn: Connection) -> list[Port]:
    """The ports of all routers."""
    return ports.among(conn, "device_owner", ("network:router_interface", "network:router_gateway"))
