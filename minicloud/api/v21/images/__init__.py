# SPDX-License-Identifier: Apache-2.0
"""/images, until 2.35: the image service's images as the compute API once showed them; nothing of them is changed.

https://docs.openstack.org/api-ref/compute/#images-deprecated
"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api import links
from minicloud.api.deployment import ApiCall
from minicloud.objects import Image
from minicloud.web import paging
from minicloud.web.moments import iso_z
from minicloud.web.operation import Operation
from minicloud.web.validation import query
from minicloud.web.view import Field, View

RULES: tuple[Any, ...] = ()

_LAST: Final = 35

#: Status of the image service -> (status here, progress).
_STATUSES: Final = {
    "active": ("ACTIVE", 100),
    "queued": ("SAVING", 25),
    "saving": ("SAVING", 50),
    "uploading": ("SAVING", 50),
    "importing": ("SAVING", 75),
    "deleted": ("DELETED", 0),
    "pending_delete": ("DELETED", 0),
}
_UNKNOWN: Final = ("ERROR", 0)


def _links(call: ApiCall, image: Image) -> list[dict[str, str]]:
    kind = "application/vnd.openstack.image"
    away = {"rel": "alternate", "type": kind, "href": f"{call.url.removesuffix('/compute')}/image/v2/images/{image.id}"}
    return [*links.of(call, "images", image.id), away]


_SHORT: Final = (
    Field("id", lambda _call, one: one.id),
    Field("name", lambda _call, one: one.name),
    Field("links", _links),
)
SHORT: Final[View[Image]] = View(*_SHORT)
LONG: Final[View[Image]] = View(
    *_SHORT,
    Field("status", lambda _call, one: _STATUSES.get(one.status, _UNKNOWN)[0]),
    Field("progress", lambda _call, one: _STATUSES.get(one.status, _UNKNOWN)[1]),
    Field("minRam", lambda _call, one: one.min_ram),
    Field("minDisk", lambda _call, one: one.min_disk),
    Field("metadata", lambda _call, one: dict(one.properties)),
    Field("created", lambda _call, one: iso_z(one.created_at)),
    Field("updated", lambda _call, one: iso_z(one.updated_at)),
    Field("OS-EXT-IMG-SIZE:size", lambda _call, one: one.size or 0),
)

#: Key of the query -> key of the image service.
_FILTERS: Final = {"name": "name", "limit": "limit", "marker": "marker"}
_TEXT: Final = {"type": "string", "maxLength": 255}
_QUERY: Final = query({"name": _TEXT, "status": _TEXT, "server": _TEXT, "type": _TEXT, **paging.PAGING})


def index(call: ApiCall) -> dict[str, Any]:
    return {"images": SHORT.render_all(call, _found(call))}


def detail(call: ApiCall) -> dict[str, Any]:
    return {"images": [_long(call, one) for one in _found(call)]}


def show(call: ApiCall, image_id: str) -> dict[str, Any]:
    return {"image": _long(call, _get(call, image_id))}


def delete(call: ApiCall, image_id: str) -> None:
    """
    :raises Forbidden: 403, while it is protected
    """
    _get(call, image_id)
    call.app.images.delete(call.ctxt, image_id)


def _get(call: ApiCall, image_id: str) -> Image:
    try:
        return call.app.images.get(call.ctxt, image_id)
    except exception.ImageNotFound:
        raise exception.NotFound("Image not found.") from None


def _found(call: ApiCall) -> list[Image]:
    filters = {theirs: [str(call.param(ours))] for ours, theirs in _FILTERS.items() if call.param(ours)}
    found = call.app.images.find(call.ctxt, filters)
    status, kind, server = call.param("status"), call.param("type"), call.param("server")
    return [
        one
        for one in found
        if (status is None or _STATUSES.get(one.status, _UNKNOWN)[0] == status.upper())
        and (kind is None or one.properties.get("image_type", "base") == kind)
        and (server is None or one.properties.get("instance_uuid") == server.rsplit("/", 1)[-1])
    ]


def _long(call: ApiCall, image: Image) -> dict[str, Any]:
    """A snapshot names its server."""
    answer = LONG.render(call, image)
    if server := image.properties.get("instance_uuid"):
        answer["server"] = {"id": server, "links": links.of(call, "servers", server)}
    return answer


OPERATIONS = (
    Operation("GET", "/images", index, query=_QUERY, until=_LAST),
    Operation("GET", "/images/detail", detail, query=_QUERY, until=_LAST),
    Operation("GET", "/images/{image_id}", show, until=_LAST),
    Operation("DELETE", "/images/{image_id}", delete, status=204, until=_LAST),
)
