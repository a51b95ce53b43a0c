# SPDX-License-Identifier: Apache-2.0
"""createImage and createBackup: the image is registered here, its data comes from the server's host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import schemas
from minicloud.api.v21.servers.actions.base import Action, Cast, begin, check_state, host_of
from minicloud.api.v21.servers.lookup import Found
from minicloud.api.v21.servers.views import IMAGE_FACTS
from minicloud.objects import Instance
from minicloud.objects.image import Image

_IMAGE_RULE: Final = "os_compute_api:servers:create_image"
_BACKUP_RULE: Final = "os_compute_api:os-create-backup"

_IMAGE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"name": schemas.NAME, "metadata": schemas.METADATA},
    "required": ["name"],
    "additionalProperties": False,
}
_BACKUP: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": schemas.NAME,
        "backup_type": {"type": "string", "minLength": 1, "maxLength": 255},
        "rotation": {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0, "maxLength": 9},
        "metadata": schemas.METADATA,
    },
    "required": ["name", "backup_type", "rotation"],
    "additionalProperties": False,
}

#: Properties of a server's image that its snapshots do not have.
_NOT_INHERITED: Final = frozenset(
    {"cache_in_nova", "bittorrent", "img_signature_hash_method", "img_signature", "img_signature_key_type",
     "img_signature_certificate_uuid", "signature_verified", "os_hash_algo", "os_hash_value", "stores",
     "image_type", "backup_type", "instance_uuid", "user_id", "base_image_ref"}
)  # fmt: skip


def create_image(call: ApiCall, found: Found, body: Mapping[str, Any]) -> dict[str, str] | None:
    def cast(image_id: str) -> Cast:
        return lambda stub, ctxt, host, one: stub.snapshot_instance(ctxt, host, one, image_id)

    image = register(call, found, "create_image", "createImage", body, {"image_type": "snapshot"})
    return _send(call, found, "create_image", "createImage", image, cast(image.id))


def create_backup(call: ApiCall, found: Found, body: Mapping[str, Any]) -> dict[str, str] | None:
    kind, rotation = body["backup_type"], int(body["rotation"])

    def cast(image_id: str) -> Cast:
        return lambda stub, ctxt, host, one: stub.backup_instance(ctxt, host, one, image_id, kind, rotation)

    own = {"image_type": "backup", "backup_type": kind}
    image = register(call, found, "create_backup", "createBackup", body, own)
    answer = _send(call, found, "create_backup", "createBackup", image, cast(image.id))
    if rotation == 0:
        # Nothing is kept, so there is nothing to point to.
        call.headers.pop("Location", None)
        return None
    return answer


def register(
    call: ApiCall, found: Found, row: str, method: str, body: Mapping[str, Any], own: Mapping[str, str]
) -> Image:
    """The queued image of a server that may be copied now.

    :param own: properties that tell what kind of image it is
    :raises InstanceInvalidState: 409
    :raises QuotaExceeded: 403, for too many properties
    """
    instance = found.instance
    check_state(instance, states.ACTIONS[row], method)
    host_of(call, found)
    with call.app.api_db.reader() as conn:
        limits = quota.user_limits(call.app.conf, conn, instance.project_id, instance.user_id)
    metadata = body.get("metadata", {})
    quota.check_metadata(limits, len(metadata))
    facts = instance.image_properties
    properties = {key: str(value) for key, value in facts.items() if key not in IMAGE_FACTS | _NOT_INHERITED}
    properties |= {"instance_uuid": instance.uuid, "user_id": instance.user_id, "base_image_ref": instance.image_id}
    return call.app.images.create(
        call.ctxt,
        {
            **properties,
            **metadata,
            **own,
            "name": body["name"],
            "visibility": "private",
            "disk_format": facts.get("disk_format") or "raw",
            "container_format": facts.get("container_format") or "bare",
            "min_ram": int(facts.get("min_ram") or 0),
            "min_disk": max(int(facts.get("min_disk") or 0), instance.flavor.root_gb),
        },
    )


def _send(call: ApiCall, found: Found, row: str, method: str, image: Image, cast: Cast) -> dict[str, str] | None:
    """Tell the host; where the image will be is answered."""
    system = _with_image(found.instance, image.id)
    try:
        begin(call, found, row, method, cast, system_metadata=system)
    except exception.MinicloudError:
        call.app.images.delete(call.ctxt, image.id)
        raise
    if call.version >= 45:
        return {"image_id": image.id}
    call.headers["Location"] = f"{call.url}/images/{image.id}"
    return None


def _with_image(instance: Instance, image_id: str) -> dict[str, str]:
    """So that a host that was restarted knows which image waits for data."""
    return {**instance.system_metadata, "snapshot_image": image_id}


ACTIONS = (
    Action("createImage", create_image, _IMAGE_RULE, _IMAGE),
    Action("createBackup", create_backup, _BACKUP_RULE, _BACKUP),
)
