# SPDX-License-Identifier: Apache-2.0
"""Fixed addresses that are taken."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import CHUNK
from minicloud.builtin.network.entities import Address

_TABLE: Any = models.Address.__table__
_COLUMNS = (_TABLE.c.subnet_id, _TABLE.c.address, _TABLE.c.port_id)
_TAKEN = (
    sa.select(_TABLE.c.position)
    .where(
        _TABLE.c.subnet_id == sa.bindparam("subnet"),
        _TABLE.c.position >= sa.bindparam("low"),
        _TABLE.c.position <= sa.bindparam("high"),
    )
    .order_by(_TABLE.c.position)
    .limit(sa.bindparam("most"))
)
_INSERT = sa.insert(_TABLE)


def _position(number: int) -> str:
    return f"{number:032x}"


def taken(conn: Connection, subnet_id: str, low: int, high: int, most: int) -> list[int]:
    """The lowest addresses taken within bounds, as numbers, at most so many."""
    values = {"subnet": subnet_id, "low": _position(low), "high": _position(high), "most": most}
    return [int(text, 16) for text in conn.execute(_TAKEN, values).scalars()]


def add(conn: Connection, addresses: Sequence[Address]) -> None:
    """
    :raises DBDuplicateEntry: when one was taken meanwhile
    """
    if addresses:
        rows = [
            {
                "subnet_id": each.subnet_id,
                "position": _position(int(ipaddress.ip_address(each.address))),
                "address": each.address,
                "port_id": each.port_id,
            }
            for each in addresses
        ]
        conn.execute(_INSERT, rows)


def remove(conn: Connection, port_ids: Iterable[str]) -> None:
    """Give back all addresses of ports."""
    conn.execute(sa.delete(_TABLE).where(_TABLE.c.port_id.in_(list(port_ids))))


def of_ports(conn: Connection, port_ids: Sequence[str]) -> dict[str, list[Address]]:
    """Port id -> its addresses, IPv4 first."""
    found: dict[str, list[Address]] = {port_id: [] for port_id in port_ids}
    for at in range(0, len(port_ids), CHUNK):
        query = sa.select(*_COLUMNS).where(_TABLE.c.port_id.in_(port_ids[at : at + CHUNK])).order_by(_TABLE.c.position)
        for row in conn.execute(query).mappings():
            found[row["port_id"]].append(Address(**row))
    return found


def holder(conn: Connection, subnet_id: str, address: str) -> Address | None:
    """Who has an address."""
    query = sa.select(*_COLUMNS).where(_TABLE.c.subnet_id == subnet_id, _TABLE.c.address == address)
    row = conn.execute(query).mappings().first()
    return None if row is None else Address(**row)


def in_subnet(conn: Connection, subnet_id: str) -> list[Address]:
    query = sa.select(*_COLUMNS).where(_TABLE.c.subnet_id == subnet_id).order_by(_TABLE.c.position)
    return [Address(**row) for row in conn.execute(query).mappings()]


def counts(conn: Connection, subnet_ids: list[str]) -> dict[str, int]:
    """Subnet id -> addresses taken in it."""
    query = (
        sa.select(_TABLE.c.subnet_id, sa.func.count())
        .where(_TABLE.c.subnet_id.in_(subnet_ids))
        .group_by(_TABLE.c.subnet_id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}
