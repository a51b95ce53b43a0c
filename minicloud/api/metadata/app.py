# SPDX-License-Identifier: Apache-2.0
"""The metadata service as a WSGI application.

It has no tokens and speaks no JSON of errors: who asks are start-up scripts of guests, and a signed header of the proxy
in between says for which of them it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import webob

from minicloud import exception
from minicloud.api.deployment import Deployment
from minicloud.api.metadata import asker, password, tree
from minicloud.api.metadata.known import Known
from minicloud.guest_data import signature
from minicloud.web import faults
from minicloud.web.app import Wsgi


class MetadataApp:
    """One front end."""

    def __init__(self, app: Deployment) -> None:
        self._app = app
        self._known = Known(app)
        self._secret = signature.shared_secret(app.conf)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            response = self._serve(request)
        except Exception as error:
            code, message, _ = faults.describe(error)
            response = _response(tree.Answer("text/plain", f"{code} {message}\n".encode()), status=code)
        # What is shown is the guest's alone, and a password may be among it.
        response.headers["Cache-Control"] = "no-store"
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _serve(self, request: webob.Request) -> webob.Response:
        who = asker.read(request.headers, self._secret)
        facts = self._known.facts(who)
        path = tree.segments(request.environ.get("PATH_INFO", ""))
        if tree.password_version(path):
            return self._password(request, who.instance_id)
        if request.method not in ("GET", "HEAD"):
            raise exception.MethodNotAllowed(method=request.method)
        return _response(tree.find(facts, path))

    def _password(self, request: webob.Request, instance_id: str) -> webob.Response:
        if request.method == "POST":
            password.write(self._app, instance_id, request.body_file.read(password.MOST + 1))
            return _response(tree.Answer("text/plain", b""))
        if request.method in ("GET", "HEAD"):
            return _response(tree.Answer("text/plain", password.read(self._app, instance_id)))
        raise exception.MethodNotAllowed(method=request.method)


def make_app(deployment: Deployment) -> Wsgi:
    """
    :raises OSError: when the secret can be neither read nor made
    """
    return MetadataApp(deployment)


def _response(answer: tree.Answer, status: int = 200) -> webob.Response:
    response = webob.Response(status=status, body=answer.body)
    response.content_type = answer.content_type
    response.charset = "utf-8" if answer.content_type == "text/plain" else None
    return response
