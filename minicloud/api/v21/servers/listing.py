# SPDX-License-Identifier: Apache-2.0
"""GET /servers: one list over all cells and the servers that are in none yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import filters, lookup
from minicloud.cells import Cell
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import listing
from minicloud.db.cell.listing import InstanceQuery
from minicloud.objects import Instance
from minicloud.web import paging

Order = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of servers, with the cell each is in, and those of cells that are down."""

    servers: list[Instance]
    cells: dict[str, Cell]
    #: From the API database: their cells did not answer.
    unknown: list[Instance]
    more: bool = False


def find(call: ApiCall, rule_all: str) -> Page:
    """The page that a request asks for.

    :param rule_all: the policy rule for ``all_tenants``
    :raises InvalidMarker: 400
    """
    everybody = _all_tenants(call)
    if everybody:
        call.authorize(rule_all)
    limit = paging.limit(call, call.app.conf.api.max_limit)
    wanted = filters.wanted(call, everybody)
    order = filters.order(call)
    after = _marker(call)
    if wanted.empty or limit == 0:
        return Page([], {}, [])
    # One more than the page has, to know whether there is a next one.
    query = InstanceQuery(wanted.filters, order, limit + 1, after)
    waiting = _waiting(call, query)
    found = call.app.cells.scatter(lambda cell: _in_cell(cell, query))
    merged, cells = _merge(waiting, found.answers, {cell.uuid: cell for cell in call.app.cells.with_cell0()}, query)
    unknown = [one for cell in found.down for one in _of_down_cell(call, cell, wanted.filters, limit)]
    return Page(merged[:limit], cells, unknown[: max(0, limit - len(merged))], len(merged) > limit)


def _all_tenants(call: ApiCall) -> bool:
    value = call.param("all_tenants")
    if value is None:
        return False
    if value.strip().lower() in ("", "1", "t", "true", "on", "y", "yes"):
        return True
    if value.strip().lower() in ("0", "f", "false", "off", "n", "no"):
        return False
    raise exception.BadRequest(f"Invalid input for field/attribute all_tenants. {value[:40]!r} is not a boolean")


def _marker(call: ApiCall) -> Instance | None:
    marker = call.param("marker")
    if not marker:
        return None
    try:
        return lookup.find_deleted(call, marker).instance
    except exception.InstanceNotFound:
        raise exception.InvalidMarker(marker=marker) from None


def _in_cell(cell: Cell, query: InstanceQuery) -> list[Instance]:
    with cell.db.reader() as conn:
        return listing.find(conn, query)


def _waiting(call: ApiCall, query: InstanceQuery) -> list[Instance]:
    """Servers that are only build requests. Read before the cells, so that none is missed on its way."""
    project = query.filters.get("project_id")
    with call.app.api_db.reader() as conn:
        requests = build_requests.find(conn, project if isinstance(project, str) else None)
    found = [one.instance for one in requests if filters.matches(one.instance, query.filters)]
    if query.after is not None:
        found = [one for one in found if _is_after(one, query.after, query.total_order)]
    return found


def _merge(
    waiting: list[Instance], answers: dict[str, list[Instance]], known: dict[str, Cell], query: InstanceQuery
) -> tuple[list[Instance], dict[str, Cell]]:
    """All in one order, each once: what a cell says of a server wins over its build request."""
    cells = {one.uuid: known[uuid] for uuid, found in answers.items() for one in found}
    sources = [found for found in (waiting, *answers.values()) if found]
    merged = {one.uuid: one for found in sources for one in found}
    if len(sources) == 1 and not waiting:
        # The usual case; the cell has sorted them.
        return list(merged.values()), cells
    return _sorted(merged.values(), query.total_order), cells


def _sorted(servers: Iterable[Instance], order: Order) -> list[Instance]:
    result = list(servers)
    # Sorting is stable, so the least significant key goes first.
    for key, descending in reversed(order):
        result.sort(key=lambda one, key=key: _comparable(one, key), reverse=descending)  # type: ignore[misc]
    return result


def _comparable(instance: Instance, key: str) -> tuple[bool, Any]:
    """Absent values are the greatest, as in the databases."""
    value = listing.sort_value(instance, key)
    return (value is None, 0 if value is None else value)


def _is_after(one: Instance, marker: Instance, order: Order) -> bool:
    for key, descending in order:
        mine, other = _comparable(one, key), _comparable(marker, key)
        if mine != other:
            return mine < other if descending else mine > other
    return False


def _of_down_cell(call: ApiCall, cell: Cell, wanted: dict[str, Any], limit: int) -> list[Instance]:
    """Partial records (2.69); before, servers of a cell that is down are left out."""
    if call.version < 69 or wanted.keys() - {"project_id", "deleted"}:
        return []
    project = wanted.get("project_id")
    with call.app.api_db.reader() as conn:
        found = mappings.in_cell(conn, cell.uuid, project if isinstance(project, str) else None, limit)
    return [lookup.remembered(uuid, mapping) for uuid, mapping in found]
