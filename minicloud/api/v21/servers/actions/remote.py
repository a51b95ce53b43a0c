# SPDX-License-Identifier: Apache-2.0
"""Handing out the right to a console: where it listens, a token for it, and the URL that has the token."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from oslo_config import cfg

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions.base import host_of
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.cell import console_tokens
from minicloud.objects import ConsoleToken
from minicloud.states import VM
from minicloud.web.moments import now


def open_console(call: ApiCall, found: Found, console_type: str) -> str:
    """A URL that opens a console of a server, for a while.

    :raises ConsoleTypeUnavailable: 400
    :raises Conflict: 409, when the server is not there yet, or off, or its host is down
    :raises NotSupported: 501, when the driver of the host has no such consoles
    """
    url = _URLS.get(console_type)
    if url is None:
        raise exception.ConsoleTypeUnavailable(console_type=console_type)
    instance = found.instance
    if instance.vm_state == VM.BUILDING:
        raise exception.Conflict(f"Instance {instance.uuid} is not ready")
    host = host_of(call, found)
    compute = found.home.compute
    assert compute is not None
    try:
        address = compute.get_console(call.ctxt, host, instance, console_type)
    except exception.GuestNotFound as error:
        raise exception.Conflict(error.message) from None
    token = str(uuid.uuid4())
    granted = ConsoleToken(
        token_hash=console_tokens.hashed(token),
        instance_uuid=instance.uuid,
        console_type=console_type,
        compute_host=host,
        host=address.host,
        port=address.port,
        expires_at=now() + timedelta(seconds=call.app.conf.consoleauth.token_ttl),
    )
    with found.home.db.writer() as conn:
        console_tokens.create(conn, granted, now())
    return url(call.app.conf, token)


def _screen(conf: cfg.ConfigOpts, token: str) -> str:
    """The token is in ``path``, which noVNC's own pages take for where the proxy's socket is."""
    options = conf.vnc
    base = (
        options.novncproxy_base_url or f"http://{_at(options.novncproxy_host, options.novncproxy_port)}/vnc_auto.html"
    )
    return f"{base}?{urlencode({'path': f'?token={token}'})}"


def _terminal(conf: cfg.ConfigOpts, token: str) -> str:
    options = conf.serial_console
    base = options.base_url or f"ws://{_at(options.serialproxy_host, options.serialproxy_port)}/"
    return f"{base}?token={token}"


def _at(host: str, port: int) -> str:
    known = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # nosec B104  # read, not bound
    return f"[{known}]:{port}" if ":" in known else f"{known}:{port}"


#: type -> its URL; for the others there is no proxy.
_URLS: Final[dict[str, Callable[[cfg.ConfigOpts, str], str]]] = {"novnc": _screen, "serial": _terminal}
