# SPDX-License-Identifier: Apache-2.0
"""/v3/roles, and which role implies which."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.identity.api.resource import MAYBE_ID, NAME, OPTIONS, TEXT, Resource, wrapped
from minicloud.builtin.identity.objects import Role
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, rule

_ROLE = {"name": NAME, "domain_id": MAYBE_ID, "description": TEXT, "options": OPTIONS}


def _role(call: Call[Identity], role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "domain_id": role.domain_id or None,
        "description": role.description,
        "options": role.options,
    }


def _defaults(call: Call[Identity], values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "domain_id": values.get("domain_id") or ""}


def _narrow(call: Call[Identity], filters: dict[str, Any]) -> dict[str, Any]:
    # Domains' own roles are shown to those who ask for a domain's.
    return {"domain_id": "", **filters}


ROLES = Resource(
    singular="role",
    plural="roles",
    records=lambda identity: identity.roles,
    view=_role,
    create_schema=wrapped("role", _ROLE, ("name",)),
    update_schema=wrapped("role", {key: _ROLE[key] for key in ("name", "description", "options")}),
    filters=("name", "domain_id"),
    defaults=_defaults,
    narrow=_narrow,
)


def short(call: Call[Identity], role: Role) -> dict[str, Any]:
    return {"id": role.id, "name": role.name, "links": {"self": f"{call.url}/v3/roles/{role.id}"}}


def _inference(call: Call[Identity], prior: Role, implied: Role) -> dict[str, Any]:
    url = f"{call.url}/v3/roles/{prior.id}/implies/{implied.id}"
    return {
        "role_inference": {"prior_role": short(call, prior), "implies": short(call, implied)},
        "links": {"self": url},
    }


def _inferences(call: Call[Identity], prior: Role, implied: list[Role]) -> dict[str, Any]:
    return {"prior_role": short(call, prior), "implies": [short(call, role) for role in implied]}


def list_implied(call: Call[Identity], role_id: str) -> dict[str, Any]:
    inferences = _inferences(call, *call.app.roles.implied_by(role_id))
    return {"role_inference": inferences, "links": {"self": f"{call.url}/v3/roles/{role_id}/implies"}}


def list_inferences(call: Call[Identity]) -> dict[str, Any]:
    found = [_inferences(call, prior, implied) for prior, implied in call.app.roles.inferences()]
    return {"role_inferences": found, "links": {"self": f"{call.url}/v3/role_inferences"}}


def imply(call: Call[Identity], role_id: str, implied_id: str) -> dict[str, Any]:
    return _inference(call, *call.app.roles.imply(role_id, implied_id))


def check_implied(call: Call[Identity], role_id: str, implied_id: str) -> dict[str, Any] | None:
    return _inference(call, *call.app.roles.check_implied(role_id, implied_id))


def head_implied(call: Call[Identity], role_id: str, implied_id: str) -> None:
    call.app.roles.check_implied(role_id, implied_id)


def imply_no_more(call: Call[Identity], role_id: str, implied_id: str) -> None:
    call.app.roles.imply_no_more(role_id, implied_id)


_ALL, _ONE = "/v3/roles/{role_id}/implies", "/v3/roles/{role_id}/implies/{implied_id}"
OPERATIONS = (
    *ROLES.operations(),
    Operation("GET", "/v3/role_inferences", list_inferences, "identity:list_role_inference_rules"),
    Operation("GET", _ALL, list_implied, "identity:list_implied_roles"),
    Operation("PUT", _ONE, imply, "identity:create_implied_role", status=201),
    Operation("GET", _ONE, check_implied, "identity:get_implied_role"),
    Operation("HEAD", _ONE, head_implied, "identity:get_implied_role", status=204),
    Operation("DELETE", _ONE, imply_no_more, "identity:delete_implied_role", status=204),
)
RULES = (
    *ROLES.policies(),
    rule("identity:list_role_inference_rules", ADMIN, "List what roles imply.", ("GET", "/v3/role_inferences")),
    rule("identity:list_implied_roles", ADMIN, "List what a role implies.", ("GET", _ALL)),
    rule("identity:create_implied_role", ADMIN, "Let a role imply another.", ("PUT", _ONE)),
    rule("identity:get_implied_role", ADMIN, "Ask whether a role implies another.", ("GET", _ONE), ("HEAD", _ONE)),
    rule("identity:delete_implied_role", ADMIN, "Let a role imply another no more.", ("DELETE", _ONE)),
)
