# SPDX-License-Identifier: Apache-2.0
"""Where the cloud's one port is, for those who bind it and for those who call it."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import urllib.error
import urllib.request


def local_url(bind: str, port: int) -> str:
    """The URL by which this machine reaches what listens on an address."""
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        return f"http://{bind}:{port}"
    host = {4: "127.0.0.1", 6: "::1"}[address.version] if address.is_unspecified else bind
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def why_not_free(bind: str, port: int) -> str | None:
    """Why a port cannot be bound; None when it can."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


def status_of(url: str, timeout: float = 5.0) -> int | None:
    """The status that a GET of a URL answers with; None when nobody answers in time.

    :param timeout: seconds
    """
    # No proxy: the cloud is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None
