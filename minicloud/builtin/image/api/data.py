# SPDX-License-Identifier: Apache-2.0
"""An image's data: file, stage and import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import webob
from webob.byterange import ContentRange

from minicloud import exception
from minicloud.builtin.image import errors, schema
from minicloud.builtin.image.api import views
from minicloud.builtin.image.manager.data import Download
from minicloud.builtin.image.service import ImageService
from minicloud.builtin.image.store import CHUNK, chunks_of
from minicloud.web.operation import Call, Operation

_ONE = "/v2/images/{image_id}"
_BINARY = "application/octet-stream"


def upload(call: Call[ImageService], image_id: str) -> None:
    call.app.data.upload(call.ctxt, image_id, _body(call))


def stage(call: Call[ImageService], image_id: str) -> None:
    call.app.data.stage(call.ctxt, image_id, _body(call))


def download(call: Call[ImageService], image_id: str) -> webob.Response:
    """The data, or the part of it that a Range header names (RFC 9110, 14)."""
    found = call.app.data.download(call.ctxt, image_id)
    if found is None:
        return webob.Response(status=204)
    start, stop, status = 0, found.size, 200
    if call.request.range is not None:
        span = call.request.range.range_for_length(found.size)
        if span is None:
            raise errors.RangeNotSatisfiable(size=found.size)
        start, stop, status = span[0], span[1], 206
    response = webob.Response(status=status, content_type=_BINARY, charset=None)
    response.accept_ranges = "bytes"
    if status == 206:
        response.content_range = ContentRange(start, stop, found.size)
    elif found.image.checksum:
        response.headers["Content-MD5"] = found.image.checksum
    if call.request.method != "HEAD":
        response.app_iter = _pieces(call, found, start, stop)
    response.content_length = stop - start
    return response


def _pieces(call: Call[ImageService], found: Download, start: int, stop: int) -> Iterable[bytes]:
    """The bytes; by the server itself where it can, so that slow readers keep no threads from others."""
    wrapper = call.request.environ.get("wsgi.file_wrapper")
    if wrapper is None:
        return found.read(start, stop)
    source = found.open()
    source.seek(start)
    pieces: Iterable[bytes] = wrapper(source, CHUNK)
    return pieces


def start_import(call: Call[ImageService], image_id: str) -> None:
    call.app.imports.start(call.ctxt, image_id, call.body)


def tasks(call: Call[ImageService], image_id: str) -> dict[str, Any]:
    return {"tasks": [views.task(task) for task in call.app.imports.of_image(call.ctxt, image_id)]}


def _body(call: Call[ImageService]) -> Iterator[bytes]:
    request = call.request
    if request.content_type != _BINARY:
        raise exception.UnsupportedMediaType(
            f"Unsupported Content-Type {str(request.content_type)[:80]}; send {_BINARY}."
        )
    limit = call.app.conf.image.image_size_cap
    if (request.content_length or 0) > limit:
        raise errors.ImageTooLarge(limit=limit)
    return _whole(request)


def _whole(request: webob.Request) -> Iterator[bytes]:
    received = 0
    for chunk in chunks_of(request.body_file):
        received += len(chunk)
        yield chunk
    if request.content_length is not None and received != request.content_length:
        raise exception.BadRequest(f"The body has {received} bytes, and Content-Length says {request.content_length}.")


OPERATIONS = (
    Operation("PUT", f"{_ONE}/file", upload, status=204, streams=True),
    Operation("GET", f"{_ONE}/file", download),
    Operation("PUT", f"{_ONE}/stage", stage, status=204, streams=True),
    Operation("POST", f"{_ONE}/import", start_import, body=schema.IMPORT, status=202),
    Operation("GET", f"{_ONE}/tasks", tasks),
)
