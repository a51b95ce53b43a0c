# SPDX-License-Identifier: Apache-2.0
"""rebuild: a server anew from an image, with its id, addresses and host.

https://docs.openstack.org/api-ref/compute/#rebuild-server-rebuild-action
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import create, hosts, policy, schemas, views, wanted
from minicloud.api.v21.servers.actions.base import Action, begin
from minicloud.api.v21.servers.lookup import Found
from minicloud.context import RequestContext
from minicloud.db.api import build_requests, keypairs, server_groups
from minicloud.objects import Instance
from minicloud.objects.image import Image
from minicloud.rpc.compute import ComputeStub

_RULE: Final = "os_compute_api:servers:rebuild"
_CERTIFICATES: Final = "os_compute_api:servers:rebuild:trusted_certs"

_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "imageRef": {"type": "string", "format": "uuid"},
        "name": schemas.NAME,
        "adminPass": {"type": "string", "maxLength": 255},
        "metadata": schemas.METADATA,
        "accessIPv4": schemas.ACCESS_V4,
        "accessIPv6": schemas.ACCESS_V6,
        "personality": schemas.PERSONALITY,
        "preserve_ephemeral": schemas.BOOLEAN,
        "OS-DCF:diskConfig": schemas.DISK_CONFIG,
        "description": {**schemas.DESCRIPTION, "x-since": 19},
        "key_name": {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "x-since": 54},
        "user_data": {"type": ["string", "null"], "format": "base64", "maxLength": 65535, "x-since": 57},
        "trusted_image_certificates": {**schemas.CERTIFICATES, "x-since": 63},
        "hostname": {**schemas.HOSTNAME, "x-since": 90},
    },
    "required": ["imageRef"],
    "additionalProperties": False,
}

#: Key of the body -> field of the record, where a value is taken as it is.
_FIELDS: Final = {
    "name": "display_name",
    "description": "description",
    "hostname": "hostname",
    "metadata": "metadata",
    "user_data": "user_data",
}


def rebuild(call: ApiCall, found: Found, body: Mapping[str, Any]) -> dict[str, Any]:
    """
    :raises BadRequest: for an image that cannot be used or does not fit the flavor, or an unknown key pair
    :raises QuotaExceeded: 403, for too many metadata items
    """
    if body.get("trusted_image_certificates") is not None:
        call.authorize(_CERTIFICATES, found.target)
    instance = found.instance
    image = _image(call, body["imageRef"])
    wanted.check_image(call, image, instance.flavor)
    changes = {**_changes(call, instance, body), **_of_image(image), "progress": 0}
    password = create.chosen_password(call, body.get("adminPass"))

    def cast(stub: ComputeStub, ctxt: RequestContext, host: str, one: Instance) -> None:
        stub.rebuild_instance(ctxt, host, one, password)

    instance = begin(call, found, "rebuild", "rebuild", cast, **changes)
    _remember(call, instance)
    return _answer(call, found, instance, password)


def _image(call: ApiCall, image_id: str) -> Image:
    try:
        return call.app.images.get(call.ctxt, image_id)
    except exception.ImageNotFound:
        raise exception.BadRequest(f"Cannot find image for rebuild: {image_id}") from None


def _of_image(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.id,
        "image_properties": create.image_facts(image),
        "kernel_id": str(image.properties.get("kernel_id") or ""),
        "ramdisk_id": str(image.properties.get("ramdisk_id") or ""),
    }


def _changes(call: ApiCall, instance: Instance, body: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {field: body[key] for key, field in _FIELDS.items() if key in body}
    for key, field in (("accessIPv4", "access_ip_v4"), ("accessIPv6", "access_ip_v6")):
        if key in body:
            changes[field] = wanted.address(body[key])
    if "OS-DCF:diskConfig" in body:
        changes["auto_disk_config"] = body["OS-DCF:diskConfig"] == "AUTO"
    if "trusted_image_certificates" in body:
        certificates = body["trusted_image_certificates"]
        changes["trusted_certs"] = None if certificates is None else tuple(certificates)
    if "key_name" in body:
        changes |= _keypair(call, instance, body["key_name"])
    with call.app.api_db.reader() as conn:
        limits = quota.user_limits(call.app.conf, conn, instance.project_id, instance.user_id)
    quota.check_metadata(limits, len(body.get("metadata", ())))
    if files := wanted.files(body, limits):
        changes["system_metadata"] = {**instance.system_metadata, "injected_files": json.dumps(files)}
    return changes


def _keypair(call: ApiCall, instance: Instance, name: str | None) -> dict[str, str | None]:
    if name is None:
        return {"key_name": None, "key_data": None}
    try:
        with call.app.api_db.reader() as conn:
            found = keypairs.get(conn, instance.user_id, name)
    except exception.KeypairNotFound:
        raise exception.BadRequest("Invalid key_name provided.") from None
    return {"key_name": found.name, "key_data": found.public_key}


def _remember(call: ApiCall, instance: Instance) -> None:
    """Later moves look for a host that fits the new image."""
    with call.app.api_db.writer() as conn:
        spec = build_requests.spec(conn, instance.uuid)
        if spec is not None:
            changed = spec.replace(image_id=instance.image_id, image_properties=instance.image_properties)
            build_requests.save_spec(conn, instance.uuid, changed)


def _answer(call: ApiCall, found: Found, instance: Instance, password: str | None) -> dict[str, Any]:
    groups: tuple[str, ...] = ()
    if call.version >= 71:
        with call.app.api_db.reader() as conn:
            groups = tuple(server_groups.of_instances(conn, [instance.uuid]).values())
    status = ""
    if call.version >= 75 and instance.host is not None and call.may(policy.SHOW_HOST_STATUS):
        status = hosts.statuses(call, found.home, [instance.host])[instance.host]
    shown = views.Shown(instance, call.url, call.app.conf.default_availability_zone, groups, status)
    call.headers["Location"] = views.links(call.url, instance.uuid)[0]["href"]
    answer = views.rebuilt(call, shown)
    if call.app.conf.api.enable_instance_password:
        answer["adminPass"] = password
    return {"server": answer}


ACTIONS = (Action("rebuild", rebuild, _RULE, _BODY),)
