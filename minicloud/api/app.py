# SPDX-License-Identifier: Apache-2.0
"""The compute API as a WSGI application."""

from __future__ import annotations

import re

import webob

from minicloud.api import microversions, policies, routes
from minicloud.api.deployment import Deployment
from minicloud.web import faults
from minicloud.web.app import FrontEnd, Wsgi, wrap
from minicloud.web.policy import Policy

_PROJECT_ID = re.compile(r"^(/v2(?:\.1)?)/([0-9a-f-]{8,64})(?=/|$)")


def make_app(deployment: Deployment, *, auth_url: str = "") -> Wsgi:
    """The compute API around its databases, stubs and neighbours.

    :param auth_url: where the 401 answer sends clients
    """
    front_end = FrontEnd(
        routes.operations(),
        deployment,
        Policy(deployment.conf, policies.list_rules()),
        deployment.identity.authenticate,
        fault=faults.nova,
        negotiate=_negotiate,
        version_headers=microversions.headers,
        rewrite=_without_project,
        auth_url=auth_url,
    )
    return wrap(front_end, compute=True)


def _negotiate(request: webob.Request) -> int:
    """Below /v2 microversions are ignored: it is the API as it was before them."""
    # path_info would raise pecan's own error for what is not UTF-8.
    if request.environ.get("PATH_INFO", "").startswith("/v2/"):
        return microversions.MINIMUM
    return microversions.negotiate(request)


def _without_project(path: str) -> tuple[str, str | None]:
    """``/v2.1/{project_id}/servers`` is ``/v2.1/servers`` of that project."""
    match = _PROJECT_ID.match(path)
    if match is None:
        return path, None
    return match[1] + path[match.end() :], match[2]
