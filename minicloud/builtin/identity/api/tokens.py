# SPDX-License-Identifier: Apache-2.0
"""/v3/auth: tokens, and where the caller could get one for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minicloud import exception
from minicloud.builtin.identity.api.catalog import catalog
from minicloud.builtin.identity.api.projects import DOMAINS, PROJECTS
from minicloud.builtin.identity.api.resource import collection
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.objects import Domain, Token
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import SERVICE, rule
from minicloud.web.validation import Schema

_TEXT = {"type": "string", "maxLength": 255}
_DOMAIN = {"type": "object", "properties": {"id": _TEXT, "name": _TEXT}}
_SECRET = {"type": "string", "maxLength": 4096}
_USER = {"type": "object", "properties": {"id": _TEXT, "name": _TEXT, "domain": _DOMAIN}}
_IDENTITY = {
    "type": "object",
    "required": ["methods"],
    "properties": {
        "methods": {"type": "array", "minItems": 1, "maxItems": 8, "items": _TEXT},
        "password": {
            "type": "object",
            "required": ["user"],
            "properties": {
                "user": {
                    **_USER,
                    "properties": {**_USER["properties"], "password": _SECRET},  # type: ignore[dict-item]  # a schema
                    "required": ["password"],
                }
            },
        },
        "token": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "maxLength": 8192}}},
        "application_credential": {
            "type": "object",
            "required": ["secret"],
            "properties": {"id": _TEXT, "name": _TEXT, "secret": _SECRET, "user": _USER},
        },
    },
}
_SCOPE = {
    "type": "object",
    "properties": {
        "project": {"type": "object", "properties": {"id": _TEXT, "name": _TEXT, "domain": _DOMAIN}},
        "domain": _DOMAIN,
        "system": {"type": "object", "properties": {"all": {"type": "boolean", "enum": [True]}}, "required": ["all"]},
        "unscoped": {"type": "object"},
    },
    "maxProperties": 1,
    "minProperties": 1,
}
_AUTH = Schema(
    {
        "type": "object",
        "required": ["auth"],
        "properties": {
            "auth": {
                "type": "object",
                "required": ["identity"],
                "properties": {
                    "identity": _IDENTITY,
                    "scope": {"anyOf": [_SCOPE, {"type": "string", "enum": ["unscoped"]}, {"type": "null"}]},
                },
            }
        },
    }
)


def create(call: Call[Identity]) -> dict[str, Any]:
    token_id, token = call.app.tokens.issue(call.body["auth"])
    call.headers["X-Subject-Token"] = token_id
    call.headers["Vary"] = "X-Auth-Token"
    return _body(call, token)


def show(call: Call[Identity]) -> dict[str, Any]:
    token_id, token = _subject(call, "identity:validate_token")
    call.headers["X-Subject-Token"] = token_id
    call.headers["Vary"] = "X-Auth-Token"
    return _body(call, token)


def revoke(call: Call[Identity]) -> None:
    token_id, _ = _subject(call, "identity:revoke_token")
    call.app.tokens.revoke(token_id)


def _subject(call: Call[Identity], rule_: str) -> tuple[str, Token]:
    """The token the request is about; 404 when it is not valid."""
    token_id = call.request.headers.get("X-Subject-Token")
    if not token_id:
        raise exception.BadRequest("The header X-Subject-Token is missing.")
    try:
        token = call.app.tokens.validate(token_id, allow_expired=call.flag("allow_expired"))
    except exception.Unauthorized:
        raise RecordNotFound(kind="token", id="of X-Subject-Token") from None
    call.authorize(rule_, {"user_id": token.user.id})
    return token_id, token


def _body(call: Call[Identity], token: Token) -> dict[str, Any]:
    grant = token.grant
    body: dict[str, Any] = {
        "methods": list(grant.methods),
        "user": {
            "id": token.user.id,
            "name": token.user.name,
            "domain": _short(token.user_domain),
            "password_expires_at": None,  # nosec B105  # a time
        },
        "audit_ids": list(grant.audit_ids),
        "issued_at": _moment(grant.issued_at),
        "expires_at": _moment(grant.expires_at),
    }
    body.update(_scoped(token))
    if grant.scope.type != "unscoped":
        body["roles"] = [{"id": role.id, "name": role.name} for role in token.roles]
        if "nocatalog" not in call.query:
            body["catalog"] = catalog(call.app.catalog.enabled(), token)
    used = token.application_credential
    if used is not None:
        body["application_credential"] = {"id": used.id, "name": used.name, "restricted": not used.unrestricted}
    return {"token": body}


def _scoped(token: Token) -> dict[str, Any]:
    if token.project is not None and token.domain is not None:
        project = {"id": token.project.id, "name": token.project.name, "domain": _short(token.domain)}
        return {"project": project, "is_domain": False}
    if token.domain is not None:
        return {"domain": _short(token.domain)}
    return {"system": {"all": True}} if token.grant.scope.type == "system" else {}


def _short(domain: Domain) -> dict[str, str]:
    return {"id": domain.id, "name": domain.name}


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# Where the caller could get a token for --------------------------------------------------------


def list_projects(call: Call[Identity]) -> dict[str, Any]:
    found = [project for project in call.app.assignments.projects_of(_user_id(call)) if project.enabled]
    return PROJECTS.render_all(call, found, "/v3/auth/projects")


def list_domains(call: Call[Identity]) -> dict[str, Any]:
    found = [domain for domain in call.app.assignments.domains_of(_user_id(call)) if domain.enabled]
    return DOMAINS.render_all(call, found, "/v3/auth/domains")


def list_system(call: Call[Identity]) -> dict[str, Any]:
    found = [{"all": True}] if call.app.assignments.in_system(_user_id(call)) else []
    return {"system": found, "links": {"self": f"{call.url}/v3/auth/system"}}


def show_catalog(call: Call[Identity]) -> dict[str, Any]:
    token = call.app.tokens.validate(call.ctxt.auth_token or "")
    if token.grant.scope.type == "unscoped":
        raise exception.Forbidden("A token without a scope has no catalog.")
    return collection(call, "catalog", "/v3/auth/catalog", catalog(call.app.catalog.enabled(), token))


def _user_id(call: Call[Identity]) -> str:
    return str(call.ctxt.user_id)


_PATH = "/v3/auth/tokens"
OPERATIONS = (
    Operation("POST", _PATH, create, body=_AUTH, status=201, public=True),
    # HEAD comes here too: the server leaves the body out.
    Operation("GET", _PATH, show),
    Operation("DELETE", _PATH, revoke, status=204),
    Operation("GET", "/v3/auth/projects", list_projects),
    Operation("GET", "/v3/auth/domains", list_domains),
    Operation("GET", "/v3/auth/system", list_system),
    Operation("GET", "/v3/auth/catalog", show_catalog),
)
_OWN = "user_id:%(user_id)s"
RULES = (
    rule("identity:validate_token", f"{SERVICE} or {_OWN}", "Ask what a token means.", ("GET", _PATH), ("HEAD", _PATH)),
    rule("identity:revoke_token", f"{SERVICE} or {_OWN}", "End a token.", ("DELETE", _PATH)),
)
