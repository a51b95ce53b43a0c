# SPDX-License-Identifier: Apache-2.0
"""/servers: list, create, show, change, delete."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import create as creation
from minicloud.api.v21.servers import delete as deletion
from minicloud.api.v21.servers import filters, hosts, listing, lookup, policy, schemas, views
from minicloud.api.v21.servers import update as updating
from minicloud.cells import Cell
from minicloud.db.api import server_groups
from minicloud.objects import Instance
from minicloud.web import paging
from minicloud.web.operation import Operation


def index(call: ApiCall) -> dict[str, Any]:
    """GET /servers"""
    page = listing.find(call, policy.INDEX_ALL)
    url = call.url
    servers = [views.summary(views.Shown(one, url)) for one in page.servers]
    servers += [{"id": one.uuid, "status": "UNKNOWN", "links": views.links(url, one.uuid)} for one in page.unknown]
    return _page(call, "/v2.1/servers", servers, page)


def detail(call: ApiCall) -> dict[str, Any]:
    """GET /servers/detail"""
    page = listing.find(call, policy.DETAIL_ALL)
    servers = views.detail(call, _shown_all(call, page), views.LIST)
    servers += [views.partial(call, _shown(call, one), in_list=True) for one in page.unknown]
    return _page(call, "/v2.1/servers/detail", servers, page)


def _page(call: ApiCall, path: str, servers: list[dict[str, Any]], page: listing.Page) -> dict[str, Any]:
    answer: dict[str, Any] = {"servers": servers}
    if page.more:
        answer["servers_links"] = paging.next_link(call, path, page.servers[-1].uuid)
    return answer


def _shown_all(call: ApiCall, page: listing.Page) -> list[views.Shown]:
    status: dict[str, dict[str, str]] = {}
    if _needs_host_status(call):
        by_cell: dict[str, tuple[Cell, set[str]]] = {}
        for one in page.servers:
            if one.host is not None and one.uuid in page.cells:
                cell = page.cells[one.uuid]
                by_cell.setdefault(cell.uuid, (cell, set()))[1].add(one.host)
        status = {uuid: hosts.statuses(call, cell, names) for uuid, (cell, names) in by_cell.items()}
    url = call.url
    zone = call.app.conf.default_availability_zone
    result = []
    for one in page.servers:
        home = page.cells.get(one.uuid)
        up = status.get(home.uuid, {}).get(one.host or "", "") if home is not None else ""
        result.append(views.Shown(one, url, zone, host_status=up))
    return result


def _needs_host_status(call: ApiCall) -> bool:
    return call.version >= 16 and (call.may(policy.SHOW_HOST_STATUS) or call.may(policy.SHOW_HOST_UNKNOWN))


def _shown(call: ApiCall, instance: Instance, cell: Cell | None = None) -> views.Shown:
    """One server with all that views of one need."""
    status = ""
    if cell is not None and instance.host is not None and _needs_host_status(call):
        status = hosts.statuses(call, cell, [instance.host])[instance.host]
    groups: tuple[str, ...] = ()
    if call.version >= 71:
        with call.app.api_db.reader() as conn:
            groups = tuple(server_groups.of_instances(conn, [instance.uuid]).values())
    return views.Shown(instance, call.url, call.app.conf.default_availability_zone, groups, status)


def show(call: ApiCall, server_id: str) -> dict[str, Any]:
    """GET /servers/{id}"""
    found = lookup.find(call, server_id, partial=call.version >= 69)
    call.authorize(policy.SHOW, found.target)
    if found.down:
        return {"server": views.partial(call, _shown(call, found.instance), in_list=False)}
    return {"server": views.detail(call, [_shown(call, found.instance, found.cell)])[0]}


def create(call: ApiCall) -> dict[str, Any]:
    """POST /servers"""
    return creation.create(call)


def update(call: ApiCall, server_id: str) -> dict[str, Any]:
    """PUT /servers/{id}"""
    found = lookup.find(call, server_id)
    call.authorize(policy.UPDATE, found.target)
    found = updating.update(call, found)
    return {"server": views.updated(call, _shown(call, found.instance, found.cell))}


def delete(call: ApiCall, server_id: str) -> None:
    """DELETE /servers/{id}"""
    found = lookup.find(call, server_id)
    call.authorize(policy.DELETE, found.target)
    deletion.delete(call, server_id, found)


OPERATIONS = (
    Operation("GET", "/servers", index, policy.INDEX, query=filters.QUERY),
    Operation("POST", "/servers", create, policy.CREATE, body=schemas.CREATE, status=202),
    Operation("GET", "/servers/detail", detail, policy.DETAIL, query=filters.QUERY),
    Operation("GET", "/servers/{server_id}", show),
    Operation("PUT", "/servers/{server_id}", update, body=schemas.UPDATE),
    Operation("DELETE", "/servers/{server_id}", delete, status=204),
)
