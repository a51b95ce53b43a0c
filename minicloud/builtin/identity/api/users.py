# SPDX-License-Identifier: Apache-2.0
"""/v3/users and /v3/groups."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.identity.api.projects import PROJECTS, domain_of_caller
from minicloud.builtin.identity.api.resource import BOOLEAN, MAYBE_ID, NAME, OPTIONS, TEXT, Resource, wrapped
from minicloud.builtin.identity.objects import Group, User
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, rule

_PASSWORD = {"type": ["string", "null"], "minLength": 1, "maxLength": 4096}
_USER = {
    "name": NAME,
    "domain_id": MAYBE_ID,
    "default_project_id": MAYBE_ID,
    "description": TEXT,
    "enabled": BOOLEAN,
    "password": _PASSWORD,
    "options": OPTIONS,
}
_GROUP = {"name": {**NAME, "maxLength": 64}, "domain_id": MAYBE_ID, "description": TEXT}
_SELF = "user_id:%(user_id)s"


def _user(call: Call[Identity], user: User) -> dict[str, Any]:
    optional = {"default_project_id": user.default_project_id, "description": user.description}
    return {
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "options": user.options,
        "password_expires_at": None,  # nosec B105  # a time
        **{key: value for key, value in optional.items() if value is not None},
    }


def _group(call: Call[Identity], group: Group) -> dict[str, Any]:
    return {"name": group.name, "domain_id": group.domain_id, "description": group.description}


USERS = Resource(
    singular="user",
    plural="users",
    records=lambda identity: identity.users,
    view=_user,
    create_schema=wrapped("user", _USER, ("name",)),
    update_schema=wrapped("user", _USER),
    filters=("name", "domain_id", "enabled"),
    defaults=domain_of_caller,
    rules={"get": f"{ADMIN} or {_SELF}"},
)
GROUPS = Resource(
    singular="group",
    plural="groups",
    records=lambda identity: identity.groups,
    view=_group,
    create_schema=wrapped("group", _GROUP, ("name",)),
    update_schema=wrapped("group", _GROUP),
    filters=("name", "domain_id"),
    defaults=domain_of_caller,
)
_PASSWORD_BODY = wrapped(
    "user",
    {
        "original_password": {"type": "string", "maxLength": 4096},
        "password": {**_PASSWORD, "type": "string"},
    },
    ("original_password", "password"),
)


def change_password(call: Call[Identity], user_id: str) -> None:
    call.authorize("identity:change_password", {"user_id": user_id})
    call.app.users.change_password(user_id, call.body["user"]["original_password"], call.body["user"]["password"])


def list_projects(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:list_user_projects", {"user_id": user_id})
    return PROJECTS.render_all(call, call.app.assignments.projects_of(user_id), f"/v3/users/{user_id}/projects")


def list_groups(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:list_groups_for_user", {"user_id": user_id})
    return GROUPS.render_all(call, call.app.groups.groups_of(user_id), f"/v3/users/{user_id}/groups")


def list_members(call: Call[Identity], group_id: str) -> dict[str, Any]:
    return USERS.render_all(call, call.app.groups.members(group_id), f"/v3/groups/{group_id}/users")


def add_member(call: Call[Identity], group_id: str, user_id: str) -> None:
    call.app.groups.add_member(group_id, user_id)


def check_member(call: Call[Identity], group_id: str, user_id: str) -> None:
    call.authorize("identity:check_user_in_group", {"user_id": user_id})
    call.app.groups.check_member(group_id, user_id)


def remove_member(call: Call[Identity], group_id: str, user_id: str) -> None:
    call.app.groups.remove_member(group_id, user_id)


_MEMBERS, _MEMBER = "/v3/groups/{group_id}/users", "/v3/groups/{group_id}/users/{user_id}"
OPERATIONS = (
    *USERS.operations(),
    *GROUPS.operations(),
    Operation("POST", "/v3/users/{user_id}/password", change_password, body=_PASSWORD_BODY, status=204),
    Operation("GET", "/v3/users/{user_id}/projects", list_projects),
    Operation("GET", "/v3/users/{user_id}/groups", list_groups),
    Operation("GET", _MEMBERS, list_members, "identity:list_users_in_group"),
    Operation("PUT", _MEMBER, add_member, "identity:add_user_to_group", status=204),
    Operation("GET", _MEMBER, check_member, status=204),
    Operation("DELETE", _MEMBER, remove_member, "identity:remove_user_from_group", status=204),
)
RULES = (
    *USERS.policies(),
    *GROUPS.policies(),
    rule(
        "identity:change_password",
        f"{ADMIN} or {_SELF}",
        "Change a password whose present one is known.",
        ("POST", "/v3/users/{user_id}/password"),
    ),
    rule(
        "identity:list_user_projects",
        f"{ADMIN} or {_SELF}",
        "List the projects a user has a role in.",
        ("GET", "/v3/users/{user_id}/projects"),
    ),
    rule(
        "identity:list_groups_for_user",
        f"{ADMIN} or {_SELF}",
        "List the groups a user is in.",
        ("GET", "/v3/users/{user_id}/groups"),
    ),
    rule("identity:list_users_in_group", ADMIN, "List the users in a group.", ("GET", _MEMBERS)),
    rule("identity:add_user_to_group", ADMIN, "Add a user to a group.", ("PUT", _MEMBER)),
    rule("identity:check_user_in_group", f"{ADMIN} or {_SELF}", "Ask whether a user is in a group.", ("GET", _MEMBER)),
    rule("identity:remove_user_from_group", ADMIN, "Remove a user from a group.", ("DELETE", _MEMBER)),
)
