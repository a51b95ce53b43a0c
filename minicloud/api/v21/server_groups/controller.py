# SPDX-License-Identifier: Apache-2.0
"""List, show, create and delete server groups."""

from __future__ import annotations

import uuid
from typing import Any

from minicloud import exception
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.server_groups import policy, schema
from minicloud.db.api import mappings, server_groups
from minicloud.objects import ServerGroup
from minicloud.web import paging
from minicloud.web.moments import now
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

SHOWN: View[ServerGroup] = View(
    Field("id", lambda call, group: group.uuid),
    Field("name", lambda call, group: group.name),
    Field("policies", lambda call, group: [group.policy], until=63),
    Field("metadata", lambda call, group: {}, until=63),
    Field("policy", lambda call, group: group.policy, since=64),
    Field("rules", lambda call, group: group.rules, since=64),
    Field("members", lambda call, group: list(group.members)),
    Field("project_id", lambda call, group: group.project_id, since=13),
    Field("user_id", lambda call, group: group.user_id, since=13),
)


def _find(call: ApiCall, group_id: str) -> ServerGroup:
    with call.app.api_db.reader() as conn:
        group = server_groups.get(conn, group_id)
        if not call.ctxt.may_see(group.project_id):
            raise exception.ServerGroupNotFound(group_uuid=group_id)
        living = mappings.living(conn, group.members)
    # Servers about to be deleted are no longer members.
    return group.replace(members=tuple(one for one in group.members if one in living))


def index(call: ApiCall) -> dict[str, Any]:
    everybody = call.flag("all_projects") and "all_projects" in call.query
    if everybody:
        call.authorize(policy.INDEX_ALL)
    offset = int(call.param("offset") or 0)
    with call.app.api_db.reader() as conn:
        found = server_groups.find(
            conn, None if everybody else call.ctxt.project_id or "", limit=paging.limit(call), offset=offset
        )
        living = mappings.living(conn, [member for group in found for member in group.members])
    shown = [group.replace(members=tuple(one for one in group.members if one in living)) for group in found]
    return {"server_groups": SHOWN.render_all(call, shown)}


def show(call: ApiCall, group_id: str) -> dict[str, Any]:
    return {"server_group": SHOWN.render(call, _find(call, group_id))}


def create(call: ApiCall) -> dict[str, Any]:
    values = call.body["server_group"]
    chosen = values.get("policy") or values["policies"][0]
    rules = {key: int(value) for key, value in values.get("rules", {}).items()}
    if rules and chosen != "anti-affinity":
        raise exception.BadRequest("Only anti-affinity policy supports rules.")
    project, user = str(call.ctxt.project_id), str(call.ctxt.user_id)
    group = ServerGroup(
        uuid=str(uuid.uuid4()), name=values["name"], project_id=project, user_id=user, policy=chosen, rules=rules
    )
    with call.app.api_db.writer() as conn:
        limits = quota.user_limits(call.app.conf, conn, project, user)
        used = server_groups.count(conn, project)
        quota.check_count(limits, "server_groups", used, "Quota exceeded, too many server groups.")
        server_groups.create(conn, group, now())
    return {"server_group": SHOWN.render(call, group)}


def delete(call: ApiCall, group_id: str) -> None:
    _find(call, group_id)
    with call.app.api_db.writer() as conn:
        server_groups.delete(conn, group_id)


_ONE = "/os-server-groups/{group_id}"

OPERATIONS = (
    Operation("GET", "/os-server-groups", index, rule=policy.INDEX, query=schema.LIST),
    Operation("POST", "/os-server-groups", create, rule=policy.CREATE, body=schema.CREATE_1, until=14),
    Operation("POST", "/os-server-groups", create, rule=policy.CREATE, body=schema.CREATE_15, since=15, until=63),
    Operation("POST", "/os-server-groups", create, rule=policy.CREATE, body=schema.CREATE_64, since=64),
    Operation("GET", _ONE, show, rule=policy.SHOW),
    Operation("DELETE", _ONE, delete, rule=policy.DELETE, status=204),
)
