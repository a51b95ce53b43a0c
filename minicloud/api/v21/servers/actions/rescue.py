# SPDX-License-Identifier: Apache-2.0
"""rescue and unrescue: boot from another image to repair the own one; changePassword."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import create
from minicloud.api.v21.servers.actions.base import ANYTHING, Action, begin
from minicloud.api.v21.servers.lookup import Found
from minicloud.rpc.compute import ComputeStub

_RESCUE: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "properties": {
        "adminPass": {"type": "string", "maxLength": 255},
        "rescue_image_ref": {"type": "string", "format": "uuid"},
    },
    "additionalProperties": False,
}
_PASSWORD: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"adminPass": {"type": "string", "maxLength": 255}},
    "required": ["adminPass"],
    "additionalProperties": False,
}


def rescue(call: ApiCall, found: Found, value: Mapping[str, Any] | None) -> dict[str, str] | None:
    """
    :raises BadRequest: for an image that is not there or not active
    """
    body = value or {}
    system = {key: text for key, text in found.instance.system_metadata.items() if key != "rescue_image"}
    if image_id := body.get("rescue_image_ref"):
        _check_image(call, image_id)
        system["rescue_image"] = image_id
    password = create.chosen_password(call, body.get("adminPass"))
    begin(
        call,
        found,
        "rescue",
        "rescue",
        lambda stub, ctxt, host, one: stub.rescue_instance(ctxt, host, one, password),
        system_metadata=system,
    )
    if password is None or not call.app.conf.api.enable_instance_password:
        return {}
    return {"adminPass": password}


def _check_image(call: ApiCall, image_id: str) -> None:
    try:
        image = call.app.images.get(call.ctxt, image_id)
    except exception.ImageNotFound as error:
        raise exception.BadRequest(error.message) from None
    if image.status != "active":
        raise exception.BadRequest(f"Image {image_id} is not active.")


def unrescue(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "unrescue", "unrescue", ComputeStub.unrescue_instance)


def change_password(call: ApiCall, found: Found, value: Mapping[str, Any]) -> None:
    password = value["adminPass"]
    begin(
        call,
        found,
        "change_password",
        "changePassword",
        lambda stub, ctxt, host, one: stub.set_admin_password(ctxt, host, one, password),
    )


ACTIONS = (
    Action("rescue", rescue, "os_compute_api:os-rescue", _RESCUE, status=200),
    Action("unrescue", unrescue, "os_compute_api:os-unrescue", ANYTHING),
    Action("changePassword", change_password, "os_compute_api:os-admin-password", _PASSWORD),
)
