# SPDX-License-Identifier: Apache-2.0
"""The image API as a WSGI application."""

from __future__ import annotations

from collections.abc import Callable

from oslo_config import cfg

from minicloud import exception
from minicloud.builtin.image.api.routes import OPERATIONS
from minicloud.builtin.image.service import ImageService
from minicloud.context import RequestContext
from minicloud.db.session import Database
from minicloud.web import faults
from minicloud.web.app import FrontEnd, Wsgi, wrap

#: Bytes of a JSON body: 128 properties of some length.
MAX_BODY = 1 << 20


def make_app(
    conf: cfg.ConfigOpts,
    db: Database,
    authenticate: Callable[[str], RequestContext],
    *,
    service: ImageService | None = None,
    auth_url: str = "",
) -> Wsgi:
    """
    :param authenticate: token -> context; raises Unauthorized
    :param service: the one of this process, when there is one already
    :param auth_url: where the 401 answer sends clients
    """
    service = service or ImageService(conf, db)
    front = FrontEnd(
        OPERATIONS,
        service,
        service.policy,
        authenticate,
        fault=faults.glance,
        auth_url=auth_url,
        max_body=MAX_BODY,
        rewrite=_whole_path,
    )
    return wrap(front)


def _whole_path(path: str) -> tuple[str, str | None]:
    """``/v2/images/`` is an image with an empty id, as clients know it, and not the list.

    :raises NotFound: for a path below /v2 that ends in a slash
    """
    if path.startswith("/v2/") and path.endswith("/"):
        raise exception.NotFound()
    return path, None
