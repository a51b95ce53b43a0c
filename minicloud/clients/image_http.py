# SPDX-License-Identifier: Apache-2.0
"""Images by HTTP: Glance's API, version 2, of Glance or of the built-in service in another process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from minicloud import exception
from minicloud.clients.image import ImageClient
from minicloud.clients.session import Service, raise_for
from minicloud.context import RequestContext
from minicloud.objects import Image
from minicloud.web import moments

_CHUNK = 256 * 1024
_PATCH = "application/openstack-images-v2.1-json-patch"

#: Attributes that an answer has beside those of :class:`Image` and custom properties.
_OTHERS = frozenset({"tags", "self", "file", "schema", "direct_url", "locations", "stores"})
_MOMENTS = frozenset({"created_at", "updated_at"})
_FIELDS = frozenset(Image.__struct_fields__) - {"properties"}

#: An id may be any text to a service, but only this one is put into a path.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")


class HttpImages(ImageClient):
    """An image service behind a URL."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def get(self, ctxt: RequestContext, image_id: str) -> Image:
        return _image(self._ask(ctxt, "GET", image_id).json())

    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> list[Image]:
        params = {name: list(values) for name, values in (filters or {}).items()}
        found: list[Image] = []
        while True:
            response = self._service.request(ctxt, "GET", "/v2/images", params=params)
            raise_for(response, exception.NotFound())
            body = response.json()
            found += [_image(each) for each in body["images"]]
            following = body.get("next")
            if not following or "limit" in (filters or {}):
                return found
            params = parse_qs(urlsplit(following).query)

    def create(self, ctxt: RequestContext, values: Mapping[str, Any]) -> Image:
        response = self._service.request(ctxt, "POST", "/v2/images", json=dict(values))
        raise_for(response, exception.NotFound())
        return _image(response.json())

    def set_properties(self, ctxt: RequestContext, image_id: str, properties: Mapping[str, str | None]) -> Image:
        have = self.get(ctxt, image_id)
        changes = [
            {"op": "add", "path": _pointer(name), "value": value}
            for name, value in properties.items()
            if value is not None
        ]
        changes += [
            {"op": "remove", "path": _pointer(name)}
            for name, value in properties.items()
            if value is None and name in have.properties
        ]
        if not changes:
            return have
        body, headers = msgspec.json.encode(changes), {"Content-Type": _PATCH}
        return _image(self._ask(ctxt, "PATCH", image_id, data=body, headers=headers).json())

    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        # An empty piece would end the body.
        pieces = (chunk for chunk in chunks if chunk)
        headers = {"Content-Type": "application/octet-stream"}
        self._ask(ctxt, "PUT", image_id, "/file", data=pieces, headers=headers)

    def download(self, ctxt: RequestContext, image_id: str) -> Iterator[bytes]:
        response = self._ask(ctxt, "GET", image_id, "/file", stream=True)
        if response.status_code == 204:
            response.close()
            raise exception.ImageUnacceptable(image_id=image_id, reason="it has no data yet")
        return _pieces(response)

    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        self._ask(ctxt, "DELETE", image_id)

    def _ask(self, ctxt: RequestContext, method: str, image_id: str, what: str = "", **options: Any) -> Any:
        unknown = exception.ImageNotFound(image_id=image_id)
        if not _ID.fullmatch(image_id):
            raise unknown
        response = self._service.request(ctxt, method, f"/v2/images/{image_id}{what}", **options)
        raise_for(response, unknown)
        return response


def _pieces(response: Any) -> Iterator[bytes]:
    """
    :raises ServiceUnavailable: when the connection breaks
    """
    from requests import exceptions  # comes with keystoneauth, which is loaded by now

    try:
        with response:
            yield from response.iter_content(_CHUNK)
    except exceptions.RequestException as error:
        raise exception.ServiceUnavailable(reason=f"the image service broke off: {error}") from None


def _image(body: Mapping[str, Any]) -> Image:
    known = {name: value for name, value in body.items() if name in _FIELDS and name not in _MOMENTS}
    known |= {name: moments.parse(str(body[name])) for name in _MOMENTS if body.get(name)}
    properties = {
        name: value
        for name, value in body.items()
        if name not in _FIELDS and name not in _OTHERS and isinstance(value, str)
    }
    try:
        return msgspec.convert({**known, "properties": properties}, Image)
    except msgspec.ValidationError as error:
        raise exception.ServiceUnavailable(reason=f"the image service's answer is not understood: {error}") from None


def _pointer(name: str) -> str:
    """RFC 6901."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
