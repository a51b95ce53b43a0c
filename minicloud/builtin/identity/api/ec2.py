# SPDX-License-Identifier: Apache-2.0
"""/v3/users/{user_id}/credentials/OS-EC2: key pairs in Amazon's form, kept as credentials."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.identity.api.resource import ID, collection
from minicloud.builtin.identity.manager.credentials import Ec2Key
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, rule
from minicloud.web.validation import Schema

_ALL = "/v3/users/{user_id}/credentials/OS-EC2"
_ONE = f"{_ALL}/{{access}}"
_CREATE = Schema({"type": "object", "properties": {"tenant_id": ID}, "required": ["tenant_id"]})


def _view(call: Call[Identity], key: Ec2Key) -> dict[str, Any]:
    url = f"{call.url}/v3/users/{key.user_id}/credentials/OS-EC2/{key.access}"
    return {
        "access": key.access,
        "secret": key.secret,
        "user_id": key.user_id,
        "tenant_id": key.project_id,
        "trust_id": None,
        "links": {"self": url},
    }


def _require_unrestricted(call: Call[Identity]) -> None:
    """A key pair stands for the user, which a restricted application credential does not."""
    call.app.application_credentials.require_unrestricted(call.app.tokens.validate(call.ctxt.auth_token or ""))


def listing(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:ec2_list_credentials", {"user_id": user_id})
    keys = [_view(call, key) for key in call.app.credentials.ec2_keys(user_id)]
    return collection(call, "credentials", call.request.path_info, keys)


def create(call: Call[Identity], user_id: str) -> dict[str, Any]:
    call.authorize("identity:ec2_create_credential", {"user_id": user_id})
    _require_unrestricted(call)
    return {"credential": _view(call, call.app.credentials.make_ec2_key(user_id, call.body["tenant_id"]))}


def show(call: Call[Identity], user_id: str, access: str) -> dict[str, Any]:
    call.authorize("identity:ec2_get_credential", {"user_id": user_id})
    return {"credential": _view(call, call.app.credentials.ec2_key(user_id, access))}


def delete(call: Call[Identity], user_id: str, access: str) -> None:
    call.authorize("identity:ec2_delete_credential", {"user_id": user_id})
    _require_unrestricted(call)
    call.app.credentials.delete(call.app.credentials.ec2_key(user_id, access).credential_id)


OPERATIONS = (
    Operation("GET", _ALL, listing),
    Operation("POST", _ALL, create, body=_CREATE, status=201),
    Operation("GET", _ONE, show),
    Operation("DELETE", _ONE, delete, status=204),
)
_CHECK = f"{ADMIN} or user_id:%(user_id)s"
RULES = (
    rule("identity:ec2_list_credentials", _CHECK, "List a user's EC2 keys.", ("GET", _ALL)),
    rule("identity:ec2_create_credential", _CHECK, "Make an EC2 key.", ("POST", _ALL)),
    rule("identity:ec2_get_credential", _CHECK, "Show an EC2 key.", ("GET", _ONE)),
    rule("identity:ec2_delete_credential", _CHECK, "Delete an EC2 key.", ("DELETE", _ONE)),
)
