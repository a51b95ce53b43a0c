# SPDX-License-Identifier: Apache-2.0
"""A front end: a pecan application around a table of operations.

The order of a request is fixed here and nowhere else: request id → size → microversion →
route → token → body and query against their schemas → policy → handler → JSON.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
import pecan
import pecan.core
import pecan.decorators
import pecan.rest
import pecan.routing
import pecan.util
import webob
from oslo_middleware import http_proxy_to_wsgi, request_id

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.web import faults, validation
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import Policy
from minicloud.web.router import Router

LOG = logging.getLogger(__name__)
D = TypeVar("D")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Bytes of a body that is not streamed.
MAX_BODY = 114688


def _cache_signatures() -> None:
    """pecan inspects its controllers' signatures anew at each request: 1.4 ms of 1.7."""
    cached = functools.lru_cache(maxsize=None)(pecan.util.getargspec)
    for module in (pecan.util, pecan.core, pecan.rest, pecan.routing, pecan.decorators):
        module.getargspec = cached


_cache_signatures()


class FrontEnd(pecan.core.ExplicitPecan, Generic[D]):  # type: ignore[misc]  # pecan is untyped
    """The pecan application: every path goes to :meth:`serve`, which reads the table."""

    def __init__(
        self,
        operations: Iterable[Operation],
        deployment: D,
        policy: Policy,
        authenticate: Callable[[str], RequestContext],
        *,
        fault: faults.FaultForm = faults.nova,
        negotiate: Callable[[webob.Request], int] | None = None,
        version_headers: Callable[[int], dict[str, str]] | None = None,
        rewrite: Callable[[str], tuple[str, str | None]] | None = None,
        auth_url: str = "",
        max_body: int = MAX_BODY,
    ) -> None:
        """
        :param deployment: what the handlers work with; ``call.app``
        :param authenticate: token -> context; raises Unauthorized
        :param fault: the JSON form of this API's errors
        :param negotiate: request -> minor number; raises InvalidVersion, VersionNotAcceptable
        :param version_headers: headers that echo the microversion
        :param rewrite: path -> (path without its project id, project id)
        """
        super().__init__(_Root(), default_renderer="json")
        self.router = Router(operations)
        self.deployment = deployment
        self.policy = policy
        self.authenticate = authenticate
        self.fault = fault
        self.negotiate = negotiate
        self.version_headers = version_headers
        self.rewrite = rewrite
        self.auth_url = auth_url
        self.max_body = max_body

    # pecan's two steps: what serves this request, and serve it.
    def find_controller(self, state: Any) -> tuple[Any, list[Any], dict[str, Any]]:
        state.controller = self.serve
        return self.serve, [], {}

    def invoke_controller(self, controller: Any, args: Any, kwargs: Any, state: Any) -> None:
        state.response = controller(state.request)

    def determine_hooks(self, controller: Any = None) -> list[Any]:
        return []

    def _handle_empty_response_body(self, state: Any) -> None:
        """pecan would make 204 of an empty 200; OpenStack has both."""

    def serve(self, request: webob.Request) -> webob.Response:
        """One request, from bytes to bytes; never raises."""
        version = 0
        try:
            if self.negotiate is not None:
                version = self.negotiate(request)
            response = self._serve(request, version)
        except Exception as error:
            response = self._failed(request, error)
        if self.version_headers is not None and version:
            response.headers.update(self.version_headers(version))
        return response

    def _serve(self, request: webob.Request, version: int) -> webob.Response:
        path, path_project = _path(request), None
        if self.rewrite is not None:
            path, path_project = self.rewrite(path)
        try:
            operation, parameters = self.router.find(request.method, path, version)
        except exception.MinicloudError:
            self._context(request)  # without a token nobody learns which paths there are
            raise
        ctxt = RequestContext(overwrite=True) if operation.public else self._context(request)
        if path_project is not None and ctxt.project_id not in (None, path_project):
            raise exception.BadRequest("Malformed request URL: the project in it is not the token's project.")
        call: Call[D] = Call(ctxt, self.deployment, request, self.policy, version)
        self._read(call, operation)
        if operation.rule is not None:
            call.authorize(operation.rule)
        result = operation.handler(call, **parameters)
        return self._answer(call, operation, result)

    def _context(self, request: webob.Request) -> RequestContext:
        token = request.headers.get("X-Auth-Token")
        if not token:
            raise exception.Unauthorized()
        ctxt = self.authenticate(token)
        ctxt.request_id = request.environ.get(request_id.ENV_REQUEST_ID, ctxt.request_id)
        ctxt.update_store()
        return ctxt

    def _read(self, call: Call[D], operation: Operation) -> None:
        request, version = call.request, call.version
        call.query = _query(request.query_string)
        if operation.query is not None:
            operation.query.validate(call.query, version)
        if operation.body is not None:
            call.body = _json(request, self.max_body, operation.media_types)
            operation.body.validate(call.body, version)
        elif not operation.streams and (request.content_length or 0) > self.max_body:
            raise exception.RequestTooLarge(limit=self.max_body)

    def _answer(self, call: Call[D], operation: Operation, result: Any) -> webob.Response:
        if isinstance(result, webob.Response):
            response = result
        else:
            status = call.status or operation.status_at(call.version)
            response = _response(status, result)
        response.headers.update(call.headers)
        return response

    def _failed(self, request: webob.Request, error: Exception) -> webob.Response:
        code, message, name = faults.describe(error)
        response = _response(code, self.fault(code, message, name))
        if code == 401 and self.auth_url:
            response.headers["WWW-Authenticate"] = f'Keystone uri="{self.auth_url}"'
        return response


class _Root:
    """pecan wants a root controller; the table is ours."""


def _path(request: webob.Request) -> str:
    try:  # request.path_info would raise pecan's own error
        path = str(request.environ.get("PATH_INFO", "")).encode("latin-1").decode()
    except UnicodeError:
        raise exception.BadRequest("Malformed request URL: its path is not valid UTF-8.") from None
    if "\0" in path:  # PostgreSQL would fail on it
        raise exception.BadRequest("Malformed request URL: it has a NUL character.")
    return path


def _query(text: str) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except (ValueError, UnicodeDecodeError):
        raise exception.BadRequest("The query string is not valid UTF-8, or has too many keys.") from None
    if "%00" in text or "\0" in text:
        raise exception.BadRequest("The query string has a NUL character.")
    result: dict[str, list[str]] = {}
    for key, value in pairs:
        result.setdefault(key, []).append(value)
    return result


def _json(request: webob.Request, limit: int, media_types: tuple[str, ...]) -> Any:
    if (request.content_length or 0) > limit:
        raise exception.RequestTooLarge(limit=limit)
    if request.content_type not in media_types:
        raise exception.UnsupportedMediaType(
            f"Unsupported Content-Type {str(request.content_type)[:80]}; send {media_types[0]}."
        )
    raw = request.body_file.read(limit + 1) if request.content_length is None else request.body
    if len(raw) > limit:
        raise exception.RequestTooLarge(limit=limit)
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise exception.BadRequest("Malformed request body: it is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise exception.BadRequest(f"Malformed request body: {error}") from None
    if b"\\u0000" in raw:
        validation.refuse_nul(value)
    return value


def _response(status: int, result: Any) -> webob.Response:
    response = webob.Response(status=status)
    if result is None:
        response.headers.pop("Content-Type", None)
        response.content_length = 0
        if status == 204:
            del response.content_length
    else:
        response.content_type = "application/json"
        response.charset = None
        response.body = msgspec.json.encode(result)
    return response


class _RequestId(request_id.RequestId):
    compat_headers: list[str] = []


class _ComputeRequestId(request_id.RequestId):
    compat_headers = ["x-compute-request-id"]


def wrap(app: Wsgi, *, compute: bool = False) -> Wsgi:
    """The middleware around a front end, outermost last, with the reason for the order."""
    pipeline: tuple[Callable[[Wsgi], Wsgi], ...] = (
        # Inside, so that faults carry the id too.
        _ComputeRequestId if compute else _RequestId,
        # Outside, so that links are made of the address the client used.
        http_proxy_to_wsgi.HTTPProxyToWSGI,
    )
    for layer in pipeline:
        app = layer(app)
    return app


class PathPrefix:
    """Several front ends on one port: /compute, /identity, /image …"""

    def __init__(self, apps: dict[str, Wsgi], default: Wsgi) -> None:
        self.apps = apps
        self.default = default

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        prefix = "/" + path.lstrip("/").split("/", 1)[0]
        app = self.apps.get(prefix)
        if app is None:
            return self.default(environ, start_response)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        environ["PATH_INFO"] = path[len(prefix) :]
        return app(environ, start_response)
