# SPDX-License-Identifier: Apache-2.0
"""Resource providers, their inventories and who uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db.api.models import allocations as a
from minicloud.db.api.models import instance_mappings as m
from minicloud.db.api.models import inventories as i
from minicloud.db.api.models import resource_providers as p
from minicloud.db.api.models import server_group_members, server_groups
from minicloud.objects import CELL0_UUID


class Inventory(NamedTuple):
    """What a provider has of one resource class."""

    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        """What all servers together may use."""
        return int((self.total - self.reserved) * self.allocation_ratio)


class Provider(NamedTuple):
    """A compute node as a provider of resources; ``name`` is its hypervisor_hostname."""

    uuid: str
    name: str
    host: str
    cell_uuid: str
    generation: int
    traits: tuple[str, ...]


class Allocation(NamedTuple):
    consumer_uuid: str
    provider_uuid: str
    resource_class: str
    used: int
    project_id: str


_PROVIDER = tuple(p.c[name] for name in Provider._fields)

# The statements of every boot are built once; building costs more than running them.
_UUIDS: sa.BindParameter[str] = sa.bindparam("uuids", expanding=True)
_LOCK = sa.select(*_PROVIDER).where(p.c.uuid.in_(_UUIDS)).order_by(p.c.uuid).with_for_update()
_HELD = sa.select(a.c.consumer_uuid, a.c.provider_uuid).where(a.c.consumer_uuid.in_(_UUIDS)).distinct()
_RAISE = p.update().where(p.c.uuid.in_(_UUIDS)).values(generation=p.c.generation + 1)
_USED = (
    sa.select(sa.func.coalesce(sa.func.sum(a.c.used), 0))
    .where(a.c.provider_uuid == i.c.provider_uuid, a.c.resource_class == i.c.resource_class)
    .correlate(i)
    .scalar_subquery()
)
_STOCKS = sa.select(i.c.provider_uuid, i.c.resource_class, i.c.total, i.c.reserved, i.c.allocation_ratio, _USED).where(
    i.c.provider_uuid.in_(_UUIDS)
)


# --- providers and inventories ---


def providers(conn: Connection, **equal: str) -> list[Provider]:
    """Providers whose columns equal the arguments (uuid, name, host …), oldest first."""
    where = [p.c[name] == value for name, value in equal.items()]
    return [Provider(*row) for row in conn.execute(sa.select(*_PROVIDER).where(*where).order_by(p.c.id))]


def create_provider(conn: Connection, provider: Provider) -> None:
    conn.execute(p.insert().values(**provider._asdict()))


def update_provider(conn: Connection, provider: Provider) -> None:
    """Write host, cell and traits."""
    conn.execute(
        p.update()
        .where(p.c.uuid == provider.uuid)
        .values(host=provider.host, cell_uuid=provider.cell_uuid, traits=provider.traits)
    )


def lock_providers(conn: Connection, uuids: Iterable[str]) -> list[Provider]:
    """Providers with their rows locked until the transaction ends, in an order that all lockers share."""
    return [Provider(*row) for row in conn.execute(_LOCK, {"uuids": sorted(uuids)})]


def raise_generation(conn: Connection, uuids: Iterable[str]) -> None:
    """Tell other readers that the use of these providers changed; their rows are locked by the caller."""
    conn.execute(_RAISE, {"uuids": sorted(uuids)})


def delete_provider(conn: Connection, uuid: str) -> None:
    """Forget a provider, its inventories and what was allocated of it."""
    conn.execute(a.delete().where(a.c.provider_uuid == uuid))
    conn.execute(i.delete().where(i.c.provider_uuid == uuid))
    conn.execute(p.delete().where(p.c.uuid == uuid))


def inventories(conn: Connection, uuids: Sequence[str] | None = None) -> dict[str, dict[str, Inventory]]:
    """Provider -> resource class -> what it has."""
    query = sa.select(i.c.provider_uuid, i.c.resource_class, i.c.total, i.c.reserved, i.c.allocation_ratio)
    result: dict[str, dict[str, Inventory]] = {}
    for row in conn.execute(query if uuids is None else query.where(i.c.provider_uuid.in_(uuids))):
        result.setdefault(row[0], {})[row[1]] = Inventory(row[2], row[3], row[4])
    return result


def set_inventories(conn: Connection, uuid: str, values: Mapping[str, Inventory]) -> None:
    """Replace all inventories of a provider."""
    conn.execute(i.delete().where(i.c.provider_uuid == uuid))
    if values:
        conn.execute(
            i.insert(),
            [{"provider_uuid": uuid, "resource_class": name, **one._asdict()} for name, one in values.items()],
        )


# --- allocations ---


class Stock(NamedTuple):
    """What a provider has of a resource class, and how much of it is used."""

    inventory: Inventory
    used: int


def stocks(conn: Connection, uuids: Sequence[str]) -> dict[str, dict[str, Stock]]:
    """Provider -> resource class -> stock, in one statement."""
    result: dict[str, dict[str, Stock]] = {uuid: {} for uuid in uuids}
    for row in conn.execute(_STOCKS, {"uuids": uuids}):
        result[row[0]][row[1]] = Stock(Inventory(row[2], row[3], row[4]), int(row[5]))
    return result


def usages(conn: Connection, uuids: Sequence[str] | None = None) -> dict[str, dict[str, int]]:
    """Provider -> resource class -> how much of it is used; read from the index alone."""
    query = sa.select(a.c.provider_uuid, a.c.resource_class, sa.func.sum(a.c.used))
    query = query.group_by(a.c.provider_uuid, a.c.resource_class)
    result: dict[str, dict[str, int]] = {}
    for uuid, name, used in conn.execute(query if uuids is None else query.where(a.c.provider_uuid.in_(uuids))):
        result.setdefault(uuid, {})[name] = int(used)
    return result


def allocate(conn: Connection, values: Sequence[Allocation], now: datetime) -> None:
    conn.execute(a.insert(), [{**one._asdict(), "created_at": now} for one in values])


def allocations_of(conn: Connection, consumers: Sequence[str]) -> list[Allocation]:
    query = sa.select(*(a.c[name] for name in Allocation._fields)).where(a.c.consumer_uuid.in_(consumers))
    return [Allocation(*row) for row in conn.execute(query)]


def consumers(conn: Connection) -> list[tuple[str, str]]:
    """(consumer, provider) of all that has something."""
    query = sa.select(a.c.consumer_uuid, a.c.provider_uuid).distinct()
    return [(row[0], row[1]) for row in conn.execute(query)]


def providers_of(conn: Connection, consumers: Sequence[str]) -> dict[str, str]:
    """Consumer -> the provider it has something of."""
    return {row[0]: row[1] for row in conn.execute(_HELD, {"uuids": list(consumers)})}


def rename_consumer(conn: Connection, old: str, new: str, now: datetime) -> int:
    """Let another consumer hold what one holds; how many rows there were."""
    values = {"consumer_uuid": new, "created_at": now}
    return conn.execute(a.update().where(a.c.consumer_uuid == old).values(values)).rowcount


def free(conn: Connection, consumers: Sequence[str], provider_uuid: str | None = None) -> int:
    """Delete allocations of consumers (those of one provider only when it is named); how many rows there were."""
    query = a.delete().where(a.c.consumer_uuid.in_(list(consumers)))
    if provider_uuid is not None:
        query = query.where(a.c.provider_uuid == provider_uuid)
    return conn.execute(query).rowcount


class Leak(NamedTuple):
    """A claim that perhaps nobody needs: of a server that is unknown, never got a host or is on its way out."""

    consumer_uuid: str
    provider_uuid: str
    is_mapped: bool
    #: Its cell by the mapping; None while it was only a build request.
    cell_uuid: str | None


def leaks(conn: Connection, before: datetime) -> list[Leak]:
    """Claims older than a moment that perhaps nobody needs."""
    unmapped = m.c.instance_uuid.is_(None)
    wanted = sa.or_(unmapped, m.c.queued_for_delete.is_(True), m.c.cell_uuid == CELL0_UUID)
    query = (
        sa.select(a.c.consumer_uuid, a.c.provider_uuid, m.c.instance_uuid.is_not(None), m.c.cell_uuid)
        .select_from(a.outerjoin(m, m.c.instance_uuid == a.c.consumer_uuid))
        .where(a.c.created_at < before, wanted)
        .distinct()
        .limit(500)
    )
    return [Leak(row[0], row[1], bool(row[2]), row[3]) for row in conn.execute(query)]


# --- server groups ---


def lock_group(conn: Connection, group_uuid: str) -> bool:
    """Lock a group's row until the transaction ends, so that its members are placed one after another."""
    query = sa.select(server_groups.c.id).where(server_groups.c.uuid == group_uuid).with_for_update()
    return conn.execute(query).first() is not None


def group_hosts(conn: Connection, group_uuid: str, without: Sequence[str] = ()) -> Counter[str]:
    """Host -> how many members of a group have claims there, some members left out."""
    t = server_group_members
    query = (
        sa.select(p.c.host, a.c.consumer_uuid)
        .select_from(t.join(a, a.c.consumer_uuid == t.c.instance_uuid).join(p, p.c.uuid == a.c.provider_uuid))
        .where(t.c.group_uuid == group_uuid)
        .distinct()
    )
    skipped = set(without)
    return Counter(host for host, consumer in conn.execute(query) if consumer not in skipped)
