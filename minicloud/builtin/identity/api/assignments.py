# SPDX-License-Identifier: Apache-2.0
"""Roles of users and groups on projects, domains and the system, and /v3/role_assignments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minicloud import exception
from minicloud.builtin.identity.api.resource import collection
from minicloud.builtin.identity.api.roles import ROLES
from minicloud.builtin.identity.objects import Assignment, Group, User
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, rule

#: target type -> where its roles are
_TARGETS = {
    "project": "/v3/projects/{project_id}",
    "domain": "/v3/domains/{domain_id}",
    "system": "/v3/system",
}
_ACTORS = {"user": "users/{user_id}", "group": "groups/{group_id}"}

#: Query key -> column of an assignment; a value fixed here is implied by the key.
_FILTERS: dict[str, dict[str, str | None]] = {
    "user.id": {"actor_type": "user", "actor_id": None},
    "group.id": {"actor_type": "group", "actor_id": None},
    "role.id": {"role_id": None},
    "scope.project.id": {"target_type": "project", "target_id": None},
    "scope.domain.id": {"target_type": "domain", "target_id": None},
    "scope.system": {"target_type": "system"},
}


class _At:
    """The handlers for one kind of actor on one kind of target."""

    def __init__(self, actor: str, target: str) -> None:
        self._actor = actor
        self._target = target

    def _assignment(self, path: dict[str, str]) -> Assignment:
        return Assignment(
            actor_type=self._actor,
            actor_id=path[f"{self._actor}_id"],
            target_type=self._target,
            target_id=path.get(f"{self._target}_id", "all"),
            role_id=path.get("role_id", ""),
        )

    def listing(self, call: Call[Identity], **path: str) -> dict[str, Any]:
        wanted = self._assignment(path)
        found = call.app.assignments.roles_at(wanted.actor_type, wanted.actor_id, wanted.target_type, wanted.target_id)
        return ROLES.render_all(call, found, call.request.path_info)

    def grant(self, call: Call[Identity], **path: str) -> None:
        call.app.assignments.grant(self._assignment(path))

    def check(self, call: Call[Identity], **path: str) -> None:
        call.app.assignments.check(self._assignment(path))

    def revoke(self, call: Call[Identity], **path: str) -> None:
        call.app.assignments.revoke(self._assignment(path))


def _operations() -> Iterator[Operation]:
    for target, base in _TARGETS.items():
        for actor, middle in _ACTORS.items():
            at, all_ = _At(actor, target), f"{base}/{middle}/roles"
            one = f"{all_}/{{role_id}}"
            infix = "system_grant_for_" + actor if target == "system" else "grant"
            plural = "system_grants_for_" + actor if target == "system" else "grants"
            yield Operation("GET", all_, at.listing, f"identity:list_{plural}")
            yield Operation("PUT", one, at.grant, f"identity:create_{infix}", status=204)
            yield Operation("GET", one, at.check, f"identity:check_{infix}", status=204)
            yield Operation("DELETE", one, at.revoke, f"identity:revoke_{infix}", status=204)


def list_assignments(call: Call[Identity]) -> dict[str, Any]:
    filters = _filters(call)
    # The whole list is the administrators'; anybody may see what they have themselves.
    call.authorize("identity:list_role_assignments", {"user_id": filters.get("actor_id", "")})
    found = call.app.assignments.listing(filters, effective=call.flag("effective"))
    if call.flag("include_names"):
        items = _named(call, found)
    else:
        items = [_item(call, assignment, lambda _kind, id: {"id": id}) for assignment in found]
    return collection(call, "role_assignments", "/v3/role_assignments", items)


def _filters(call: Call[Identity]) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, columns in _FILTERS.items():
        value = call.param(key)
        if value is None:
            continue
        for column, fixed in columns.items():
            wanted = value if fixed is None else fixed
            if result.setdefault(column, wanted) != wanted:
                raise exception.BadRequest(f"The filter {key} contradicts another one.")
    if call.flag("effective") and result.get("actor_type") == "group":
        raise exception.BadRequest("With effective, assignments are listed by user, not by group.")
    return result


def _item(call: Call[Identity], assignment: Assignment, shown: Callable[[str, str], dict[str, Any]]) -> dict[str, Any]:
    """
    :param shown: (kind, id) -> how that is shown
    """
    actor, target = assignment.actor_type, assignment.target_type
    where = "system" if target == "system" else f"{target}s/{assignment.target_id}"
    path = f"/v3/{where}/{actor}s/{assignment.actor_id}/roles/{assignment.role_id}"
    return {
        "role": shown("role", assignment.role_id),
        actor: shown(actor, assignment.actor_id),
        "scope": {target: {"all": True} if target == "system" else shown(target, assignment.target_id)},
        "links": {"assignment": f"{call.url}{path}"},
    }


def _named(call: Call[Identity], found: list[Assignment]) -> list[dict[str, Any]]:
    app = call.app
    domains = {domain.id: {"id": domain.id, "name": domain.name} for domain in app.domains.listing()}

    def in_domain(record: User | Group | Any) -> dict[str, Any]:
        return {"id": record.id, "name": record.name, "domain": domains.get(record.domain_id)}

    known: dict[str, dict[str, dict[str, Any]]] = {
        "role": {role.id: {"id": role.id, "name": role.name} for role in app.roles.listing()},
        "user": {user.id: in_domain(user) for user in app.users.listing()},
        "group": {group.id: in_domain(group) for group in app.groups.listing()},
        "project": {project.id: in_domain(project) for project in app.projects.listing()},
        "domain": domains,
    }
    return [_item(call, assignment, lambda kind, id: known[kind].get(id, {"id": id})) for assignment in found]


OPERATIONS = (
    *_operations(),
    Operation("GET", "/v3/role_assignments", list_assignments),
)
_GRANT = "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"
_VERBS = {"list": "GET", "create": "PUT", "check": "HEAD", "revoke": "DELETE"}
RULES = (
    rule(
        "identity:list_role_assignments",
        f"{ADMIN} or user_id:%(user_id)s",
        "List role assignments; a user's own are shown to it.",
        ("GET", "/v3/role_assignments"),
    ),
    *(
        rule(
            f"identity:{verb}_grant{'s' if verb == 'list' else ''}",
            ADMIN,
            f"{verb.capitalize()} roles on projects and domains.",
            (method, _GRANT),
        )
        for verb, method in _VERBS.items()
    ),
    *(
        rule(
            f"identity:{verb}_system_grant{'s' if verb == 'list' else ''}_for_{actor}",
            ADMIN,
            f"{verb.capitalize()} roles on the system.",
            (method, f"/v3/system/{actor}s/{{{actor}_id}}/roles/{{role_id}}"),
        )
        for verb, method in _VERBS.items()
        for actor in _ACTORS
    ),
)
