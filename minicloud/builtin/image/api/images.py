# SPDX-License-Identifier: Apache-2.0
"""/v2/images: list, create, show, change, delete, actions and tags."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from minicloud import exception
from minicloud.builtin.image import schema
from minicloud.builtin.image.api import patch, views
from minicloud.builtin.image.manager import query
from minicloud.builtin.image.service import ImageService
from minicloud.web.operation import Call, Operation

_LIST, _ONE = "/v2/images", "/v2/images/{image_id}"


def index(call: Call[ImageService]) -> dict[str, Any]:
    options = call.app.conf.image
    page = query.page(call.query, options.limit_param_default, options.api_limit_max)
    found = call.app.images.find(call.ctxt, query.read(call.query), page)
    body: dict[str, Any] = {
        "images": [views.image(image) for image in found],
        "first": _link(call),
        "schema": "/v2/schemas/images",
    }
    if found and len(found) == page.limit:
        body["next"] = _link(call, found[-1].id)
    return body


def create(call: Call[ImageService]) -> dict[str, Any]:
    image = call.app.images.create(call.ctxt, call.body)
    call.headers["Location"] = f"{call.url}{_LIST}/{image.id}"
    if methods := call.app.imports.methods:
        call.headers["OpenStack-image-import-methods"] = ",".join(methods)
    return views.image(image)


def show(call: Call[ImageService], image_id: str) -> dict[str, Any]:
    return views.image(call.app.images.get(call.ctxt, image_id))


def update(call: Call[ImageService], image_id: str) -> dict[str, Any]:
    changes = patch.read(call.body, str(call.request.content_type))
    return views.image(call.app.images.update(call.ctxt, image_id, changes))


def delete(call: Call[ImageService], image_id: str) -> None:
    call.app.images.delete(call.ctxt, image_id)


def deactivate(call: Call[ImageService], image_id: str) -> None:
    call.app.images.deactivate(call.ctxt, image_id)


def reactivate(call: Call[ImageService], image_id: str) -> None:
    call.app.images.reactivate(call.ctxt, image_id)


def add_tag(call: Call[ImageService], image_id: str, tag: str) -> None:
    if len(tag) > 255 or "\0" in tag:
        raise exception.BadRequest("A tag must have 1 to 255 characters, and no NUL.")
    call.app.images.add_tag(call.ctxt, image_id, tag)


def remove_tag(call: Call[ImageService], image_id: str, tag: str) -> None:
    call.app.images.remove_tag(call.ctxt, image_id, tag.replace("\0", ""))


def _link(call: Call[ImageService], marker: str | None = None) -> str:
    pairs = [(key, value) for key, values in call.query.items() for value in values if key != "marker"]
    if marker is not None:
        pairs.append(("marker", marker))
    return f"{_LIST}?{urlencode(pairs)}" if pairs else _LIST


OPERATIONS = (
    Operation("GET", _LIST, index),
    Operation("POST", _LIST, create, body=schema.CREATE, status=201),
    Operation("GET", _ONE, show),
    Operation("PATCH", _ONE, update, body=schema.PATCH, media_types=patch.MEDIA_TYPES),
    Operation("DELETE", _ONE, delete, status=204),
    Operation("POST", f"{_ONE}/actions/deactivate", deactivate, status=204),
    Operation("POST", f"{_ONE}/actions/reactivate", reactivate, status=204),
    Operation("PUT", f"{_ONE}/tags/{{tag}}", add_tag, status=204),
    Operation("DELETE", f"{_ONE}/tags/{{tag}}", remove_tag, status=204),
)
