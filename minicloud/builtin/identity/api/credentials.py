# SPDX-License-Identifier: Apache-2.0
"""/v3/users/{user_id}/application_credentials, and /v3/credentials."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.identity.api.resource import BOOLEAN, ID, MAYBE_ID, NAME, TEXT, Resource, collection, wrapped
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.objects import ApplicationCredential, Credential
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, ANYONE, rule

_SELF = "user_id:%(user_id)s"
_ROLES = {
    "type": "array",
    "maxItems": 100,
    "items": {
        "type": "object",
        "properties": {"id": ID, "name": NAME},
        "minProperties": 1,
    },
}
_CREATE = wrapped(
    "application_credential",
    {
        "name": NAME,
        "secret": {"type": ["string", "null"], "minLength": 1, "maxLength": 4096},
        "description": TEXT,
        "expires_at": {"type": ["string", "null"], "maxLength": 64},
        "roles": _ROLES,
        "unrestricted": BOOLEAN,
        "project_id": MAYBE_ID,
        # Rules that are not enforced must not be accepted.
        "access_rules": {"type": "array", "maxItems": 0},
    },
    ("name",),
    open=False,
)


def _application_credential(call: Call[Identity], record: ApplicationCredential) -> dict[str, Any]:
    roles = {role.id: role for role in call.app.roles.listing()}
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "project_id": record.project_id,
        "user_id": record.user_id,
        "roles": [{"id": id, "name": roles[id].name, "domain_id": None} for id in record.role_ids if id in roles],
        "expires_at": record.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%f") if record.expires_at else None,
        "unrestricted": record.unrestricted,
        "system": None,
        "links": {"self": f"{call.url}/v3/users/{record.user_id}/application_credentials/{record.id}"},
    }


def list_application_credentials(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:list_application_credentials", {"user_id": user_id})
    filters = {"user_id": user_id}
    if (name := call.param("name")) is not None:
        filters["name"] = name
    items = [_application_credential(call, record) for record in call.app.application_credentials.listing(filters)]
    return collection(call, "application_credentials", f"/v3/users/{user_id}/application_credentials", items)


def create_application_credential(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:create_application_credential", {"user_id": user_id})
    token = call.app.tokens.validate(call.ctxt.auth_token or "")
    values = call.body["application_credential"]
    if values.get("project_id") not in (None, call.ctxt.project_id):
        raise exception.ValidationError(field="project_id", reason="it is not the token's project")
    record, secret = call.app.application_credentials.make(token, values)
    return {"application_credential": {**_application_credential(call, record), "secret": secret}}


def show_application_credential(call: Call[Identity], user_id: str, application_credential_id: str) -> dict[str, Any]:
    call.authorize("identity:get_application_credential", {"user_id": user_id})
    record = call.app.application_credentials.of_user(user_id, application_credential_id)
    return {"application_credential": _application_credential(call, record)}


def delete_application_credential(call: Call[Identity], user_id: str, application_credential_id: str) -> None:
    call.authorize("identity:delete_application_credential", {"user_id": user_id})
    token = call.app.tokens.validate(call.ctxt.auth_token or "")
    call.app.application_credentials.require_unrestricted(token)
    record = call.app.application_credentials.of_user(user_id, application_credential_id)
    call.app.application_credentials.delete(record.id)


_CREDENTIAL = {
    "user_id": ID,
    "project_id": MAYBE_ID,
    "type": NAME,
    "blob": {"type": "string", "minLength": 1, "maxLength": 65535},
}


def _credential(call: Call[Identity], record: Credential) -> dict[str, Any]:
    return {
        "user_id": record.user_id,
        "project_id": record.project_id,
        "type": record.type,
        "blob": record.blob,
    }


CREDENTIALS = Resource(
    singular="credential",
    plural="credentials",
    records=lambda identity: identity.credentials,
    view=_credential,
    create_schema=wrapped("credential", _CREDENTIAL, ("type", "blob"), open=False),
    update_schema=wrapped("credential", _CREDENTIAL, open=False),
    filters=("user_id", "type"),
    rules=dict.fromkeys(("get", "create", "update", "delete"), f"{ADMIN} or {_SELF}") | {"list": ANYONE},
)


def list_credentials(call: Call[Identity]) -> dict[str, Any]:
    """One's own; an administrator's list is everybody's."""
    filters = {key: value for key in CREDENTIALS.filters if (value := call.param(key)) is not None}
    found = call.app.credentials.listing(filters)
    mine = [record for record in found if call.may("identity:get_credential", {"user_id": record.user_id})]
    return CREDENTIALS.render_all(call, mine)


def create_credential(call: Call[Identity]) -> dict[str, Any]:
    values = {**call.body["credential"]}
    values.setdefault("user_id", call.ctxt.user_id)
    call.authorize("identity:create_credential", {"user_id": values["user_id"]})
    if values["type"] == "ec2" and not values.get("project_id"):
        raise exception.ValidationError(field="project_id", reason="an ec2 credential needs one")
    return {"credential": CREDENTIALS.render(call, call.app.credentials.create(values))}


def _own(call: Call[Identity], credential_id: str, rule_: str) -> Credential:
    record = call.app.credentials.get(credential_id)
    if not call.may(rule_, {"user_id": record.user_id}):
        raise RecordNotFound(kind="credential", id=credential_id)
    return record


def show_credential(call: Call[Identity], credential_id: str) -> dict[str, Any]:
    return {"credential": CREDENTIALS.render(call, _own(call, credential_id, "identity:get_credential"))}


def update_credential(call: Call[Identity], credential_id: str) -> dict[str, Any]:
    _own(call, credential_id, "identity:update_credential")
    values = call.body["credential"]
    if "user_id" in values:
        # Nobody hands a credential to somebody else.
        call.authorize("identity:update_credential", {"user_id": values["user_id"]})
    return {"credential": CREDENTIALS.render(call, call.app.credentials.update(credential_id, values))}


def delete_credential(call: Call[Identity], credential_id: str) -> None:
    _own(call, credential_id, "identity:delete_credential")
    call.app.credentials.delete(credential_id)


_ALL = "/v3/users/{user_id}/application_credentials"
_ONE = f"{_ALL}/{{application_credential_id}}"
_OPERATIONS = {
    "list_application_credentials": ("GET", _ALL),
    "create_application_credential": ("POST", _ALL),
    "get_application_credential": ("GET", _ONE),
    "delete_application_credential": ("DELETE", _ONE),
}
OPERATIONS = (
    Operation("GET", _ALL, list_application_credentials),
    Operation("POST", _ALL, create_application_credential, body=_CREATE, status=201),
    Operation("GET", _ONE, show_application_credential),
    Operation("DELETE", _ONE, delete_application_credential, status=204),
    Operation("GET", "/v3/credentials", list_credentials, "identity:list_credentials"),
    Operation("POST", "/v3/credentials", create_credential, body=CREDENTIALS.create_schema, status=201),
    Operation("GET", "/v3/credentials/{credential_id}", show_credential),
    Operation("PATCH", "/v3/credentials/{credential_id}", update_credential, body=CREDENTIALS.update_schema),
    Operation("DELETE", "/v3/credentials/{credential_id}", delete_credential, status=204),
)
RULES = (
    *(
        rule(
            f"identity:{name}",
            # An administrator may look and delete, but a credential is made by its user alone.
            _SELF if name.startswith("create") else f"{ADMIN} or {_SELF}",
            f"{name.replace('_', ' ').capitalize()}.",
            operation,
        )
        for name, operation in _OPERATIONS.items()
    ),
    *CREDENTIALS.policies(),
)
