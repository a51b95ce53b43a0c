# SPDX-License-Identifier: Apache-2.0
"""Routers and floating addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import Repository
from minicloud.builtin.network.entities import FloatingIp, Router

_ROUTERS: sa.Table = models.Router.__table__  # type: ignore[assignment]  # declared as FromClause
_FLOATING: sa.Table = models.FloatingIp.__table__  # type: ignore[assignment]

routers = Repository(_ROUTERS, Router, lambda key: exception.RouterNotFound(router_id=key))
floating_ips = Repository(_FLOATING, FloatingIp, lambda key: exception.FloatingIPNotFound(floatingip_id=key))


def floating_of_ports(conn: Connection, port_ids: Sequence[str]) -> list[FloatingIp]:
    """The floating addresses that lead to ports."""
    return floating_ips.among(conn, "port_id", port_ids)


def floating_of_router(conn: Connection, router_id: str) -> list[FloatingIp]:
    return floating_ips.rows(conn, _FLOATING.c.router_id == router_id)


def floating_on(conn: Connection, network_id: str) -> list[FloatingIp]:
    """The floating addresses taken from an external network."""
    return floating_ips.rows(conn, _FLOATING.c.floating_network_id == network_id)


def set_status(conn: Connection, key: str, status: str) -> None:
    """Note how a router, or a floating address that leads somewhere, is; what is gone is passed over.

    It is no change of its owner's, so the revision stays.
    """
    conn.execute(sa.update(_ROUTERS).where(_ROUTERS.c.id == key).values(status=status))
    leads = sa.and_(_FLOATING.c.id == key, _FLOATING.c.router_id.is_not(None))
    conn.execute(sa.update(_FLOATING).where(leads).values(status=status))


def release(conn: Connection, port_ids: Sequence[str]) -> None:
    """Floating addresses that lead to these ports lead nowhere from now on."""
    values: dict[str, Any] = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
    values["revision_number"] = _FLOATING.c.revision_number + 1
    conn.execute(sa.update(_FLOATING).where(_FLOATING.c.port_id.in_(port_ids)).values(**values))
