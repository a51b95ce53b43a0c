# SPDX-License-Identifier: Apache-2.0
"""The version documents, and the collections that are always empty here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicloud.builtin.identity.api.resource import collection
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation

_VERSION = "v3.14"
_UPDATED = "2020-04-07T00:00:00Z"
_MEDIA_TYPE = "application/vnd.openstack.identity-v3+json"


def _version(call: Call[Identity]) -> dict[str, Any]:
    return {
        "id": _VERSION,
        "status": "stable",
        "updated": _UPDATED,
        "links": [{"rel": "self", "href": f"{call.url}/v3/"}],
        "media-types": [{"base": "application/json", "type": _MEDIA_TYPE}],
    }


def list_versions(call: Call[Identity]) -> dict[str, Any]:
    call.headers["Location"] = f"{call.url}/v3/"
    return {"versions": {"values": [_version(call)]}}


def show_version(call: Call[Identity]) -> dict[str, Any]:
    return {"version": _version(call)}


def _empty(plural: str) -> Callable[..., dict[str, Any]]:
    def listing(call: Call[Identity], **_path: str) -> dict[str, Any]:
        return collection(call, plural, call.request.path_info, [])

    return listing


def show_limits_model(call: Call[Identity]) -> dict[str, Any]:
    return {"model": {"name": "flat", "description": "Limits of a project do not depend on other projects."}}


#: What clients look for and this service never has.
_NEVER = {
    "/v3/limits": "limits",
    "/v3/registered_limits": "registered_limits",
    "/v3/policies": "policies",
    "/v3/OS-TRUST/trusts": "trusts",
    "/v3/users/{user_id}/access_rules": "access_rules",
}
OPERATIONS = (
    Operation("GET", "/", list_versions, status=300, public=True),
    Operation("GET", "/v3", show_version, public=True),
    Operation("GET", "/v3/limits/model", show_limits_model),
    *(Operation("GET", path, _empty(plural)) for path, plural in _NEVER.items()),
)
