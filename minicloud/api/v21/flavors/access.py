# SPDX-License-Identifier: Apache-2.0
"""Which projects may use a flavor that is not public."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.flavors import policy, schema
from minicloud.db.api import flavors
from minicloud.objects import Flavor
from minicloud.web.moments import now
from minicloud.web.operation import Operation


def index(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    with call.app.api_db.reader() as conn:
        flavor = flavors.get(conn, flavor_id)
    if flavor.is_public:
        raise exception.NotFound("Access list not available for public flavors.")
    return _view(flavor)


def action(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    (verb,) = call.body
    rule, change = _ACTIONS[verb]
    call.authorize(rule)
    project = call.body[verb]["tenant"]
    if not call.app.identity.project_exists(call.ctxt, project):
        raise exception.BadRequest(f"Project ID {project} is not a valid project.")
    with call.app.api_db.writer() as conn:
        return _view(flavors.change(conn, flavor_id, lambda flavor: change(call, flavor, project), now()))


def _add(call: ApiCall, flavor: Flavor, project: str) -> Flavor:
    if call.version >= 7 and flavor.is_public:
        raise exception.Conflict("Can not add access to a public flavor.")
    if project in flavor.projects:
        raise exception.FlavorAccessExists(flavor_id=flavor.flavorid, project_id=project)
    return flavor.replace(projects=(*flavor.projects, project))


def _remove(call: ApiCall, flavor: Flavor, project: str) -> Flavor:
    if project not in flavor.projects:
        raise exception.FlavorAccessNotFound(flavor_id=flavor.flavorid, project_id=project)
    return flavor.replace(projects=tuple(one for one in flavor.projects if one != project))


_ACTIONS = {
    "addTenantAccess": (policy.ADD_ACCESS, _add),
    "removeTenantAccess": (policy.REMOVE_ACCESS, _remove),
}


def _view(flavor: Flavor) -> dict[str, Any]:
    return {"flavor_access": [{"flavor_id": flavor.flavorid, "tenant_id": project} for project in flavor.projects]}


OPERATIONS = (
    Operation("GET", "/flavors/{flavor_id}/os-flavor-access", index, rule=policy.ACCESS),
    Operation("POST", "/flavors/{flavor_id}/action", action, body=schema.ACTION),
)
