# SPDX-License-Identifier: Apache-2.0
"""/v2/images/{image_id}/members: with whom an image is shared."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.image import schema
from minicloud.builtin.image.api import views
from minicloud.builtin.image.service import ImageService
from minicloud.web.operation import Call, Operation

_ALL = "/v2/images/{image_id}/members"
_ONE = f"{_ALL}/{{member_id}}"


def index(call: Call[ImageService], image_id: str) -> dict[str, Any]:
    found = call.app.members.find(call.ctxt, image_id)
    return {"members": [views.member(member) for member in found], "schema": "/v2/schemas/members"}


def create(call: Call[ImageService], image_id: str) -> dict[str, Any]:
    return views.member(call.app.members.add(call.ctxt, image_id, call.body["member"]))


def show(call: Call[ImageService], image_id: str, member_id: str) -> dict[str, Any]:
    return views.member(call.app.members.get(call.ctxt, image_id, _clean(member_id)))


def update(call: Call[ImageService], image_id: str, member_id: str) -> dict[str, Any]:
    return views.member(call.app.members.set_status(call.ctxt, image_id, _clean(member_id), call.body["status"]))


def delete(call: Call[ImageService], image_id: str, member_id: str) -> None:
    call.app.members.remove(call.ctxt, image_id, _clean(member_id))


def _clean(member_id: str) -> str:
    """Without NUL, which no database takes, and so nobody's id has."""
    return member_id.replace("\0", "")


OPERATIONS = (
    Operation("GET", _ALL, index),
    Operation("POST", _ALL, create, body=schema.ADD_MEMBER),
    Operation("GET", _ONE, show),
    Operation("PUT", _ONE, update, body=schema.SET_MEMBER),
    Operation("DELETE", _ONE, delete, status=204),
)
