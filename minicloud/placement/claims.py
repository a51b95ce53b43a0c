# SPDX-License-Identifier: Apache-2.0
"""Claims: resources of hosts taken for servers, all or nothing for each server, never more than there is.

Everything here runs in one transaction of the caller's on the API database. Rows are locked
in one order everywhere (build requests, group, providers by uuid), so that claimers wait
for each other instead of deadlocking. The sums are taken after the lock was got, which at
READ COMMITTED shows what every claimer before has committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from minicloud.db.api import placement as db
from minicloud.db.api.placement import Allocation, Inventory, Provider
from minicloud.db.session import Connection
from minicloud.objects import ServerGroup
from minicloud.placement import resources

usages = db.usages


class Claim(NamedTuple):
    """One server's wish for one provider."""

    consumer: str
    project_id: str
    provider: str
    resources: dict[str, int]


@dataclass(slots=True)
class Outcome:
    """What became of some claims."""

    won: list[str] = field(default_factory=list)
    #: Consumer -> why not.
    refused: dict[str, str] = field(default_factory=dict)
    #: Consumer -> provider, of those that already had a claim and keep it.
    held: dict[str, str] = field(default_factory=dict)
    #: Provider -> resource class -> what is used now.
    usages: dict[str, dict[str, int]] = field(default_factory=dict)


def claim(conn: Connection, wishes: Sequence[Claim], now: datetime, group: ServerGroup | None = None) -> Outcome:
    """Take what fits of the wishes, in their order, in a handful of statements however many they are.

    :param group: the server group all consumers belong to; a hard policy holds against every other claimer
    """
    outcome = Outcome(held=db.providers_of(conn, [wish.consumer for wish in wishes]))
    wishes = [wish for wish in wishes if wish.consumer not in outcome.held]
    if not wishes:
        return outcome
    rule = _lock_group(conn, group, [wish.consumer for wish in wishes])
    uuids = sorted({wish.provider for wish in wishes})
    providers = {one.uuid: one for one in db.lock_providers(conn, uuids)}
    stocks = db.stocks(conn, uuids)
    has = {uuid: {name: one.inventory for name, one in stock.items()} for uuid, stock in stocks.items()}
    outcome.usages = {uuid: {name: one.used for name, one in stock.items()} for uuid, stock in stocks.items()}
    rows = []
    for wish in wishes:
        reason = _refusal(wish, providers, has, outcome.usages) or rule.refusal(providers[wish.provider].host)
        if reason is not None:
            outcome.refused[wish.consumer] = reason
            continue
        rule.add(providers[wish.provider].host)
        rows += _take(wish, outcome.usages[wish.provider])
        outcome.won.append(wish.consumer)
    if rows:
        db.allocate(conn, rows, now)
        db.raise_generation(conn, {row.provider_uuid for row in rows})
    return outcome


def release(conn: Connection, consumers: Sequence[str], provider: str | None = None) -> int:
    """Give back all that consumers have (of one provider when it is named); harmless when it is nothing."""
    return db.free(conn, consumers, provider)


class GroupRule:
    """The policy of a server group, counted over the hosts where members are."""

    def __init__(self, group: ServerGroup | None, hosts: Counter[str]) -> None:
        self._policy = group.policy if group is not None else ""
        self._limit = max_per_host(group) if group is not None else 1
        self.hosts = hosts

    def refusal(self, host: str) -> str | None:
        """Why a host must not get one more member; None when it may."""
        if self._policy == "anti-affinity" and self.hosts[host] >= self._limit:
            return f"{self.hosts[host]} of the server group here, {self._limit} allowed"
        if self._policy == "affinity" and self.hosts and host not in self.hosts:
            return f"the server group is on {', '.join(sorted(self.hosts))}"
        return None

    def add(self, host: str) -> None:
        self.hosts[host] += 1


def max_per_host(group: ServerGroup) -> int:
    """How many members of an anti-affinity group one host may have."""
    return int(group.rules.get("max_server_per_host", 1))


def _lock_group(conn: Connection, group: ServerGroup | None, consumers: Sequence[str]) -> GroupRule:
    if group is None or group.policy not in ("affinity", "anti-affinity") or not db.lock_group(conn, group.uuid):
        return GroupRule(None, Counter())
    return GroupRule(group, db.group_hosts(conn, group.uuid, consumers))


def _refusal(
    wish: Claim,
    providers: dict[str, Provider],
    has: dict[str, dict[str, Inventory]],
    used: dict[str, dict[str, int]],
) -> str | None:
    if wish.provider not in providers:
        return "the host is gone"
    return resources.shortage(wish.resources, has.get(wish.provider, {}), used[wish.provider])


def _take(wish: Claim, used: dict[str, int]) -> list[Allocation]:
    for name, amount in wish.resources.items():
        used[name] = used.get(name, 0) + amount
    return [
        Allocation(wish.consumer, wish.provider, name, amount, wish.project_id)
        for name, amount in wish.resources.items()
    ]
