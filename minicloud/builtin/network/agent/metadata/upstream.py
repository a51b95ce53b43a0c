# SPDX-License-Identifier: Apache-2.0
"""The metadata service, as a proxy reaches it."""

from __future__ import annotations

import http.client
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from oslo_config import cfg

from minicloud import exception
from minicloud.guest_data import signature

#: Seconds that the service may be silent.
_PATIENCE = 30.0

#: Bytes of an answer.
_MOST = 1 << 23


class Guest(NamedTuple):
    """Who asks."""

    instance_id: str
    project_id: str
    address: str


class Reply(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Upstream:
    """One metadata service; thread-safe, since each question has a connection of its own."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """:raises ConfigurationError: for an address that is none"""
        url = urlsplit(str(conf.metadata.url) or _local(conf))
        if url.scheme not in ("http", "https") or not url.hostname:
            raise exception.ConfigurationError(f"[metadata] url: {conf.metadata.url!r} is no http or https URL.")
        self._conf = conf
        self._is_safe = url.scheme == "https"
        self._host, self._port = url.hostname, url.port
        self._prefix = url.path.rstrip("/")

    def ask(self, guest: Guest, method: str, path: str, body: bytes) -> Reply:
        """
        :param path: as the guest sent it, with a slash in front
        :raises OSError, http.client.HTTPException: when the service cannot be asked
        """
        connection = self._connection()
        try:
            connection.request(method, self._prefix + path, body or None, self._headers(guest))
            answer = connection.getresponse()
            data = answer.read(_MOST + 1)
        finally:
            connection.close()
        if len(data) > _MOST:
            raise http.client.HTTPException(f"an answer of more than {_MOST} bytes")
        return Reply(answer.status, answer.headers.get("Content-Type", "application/octet-stream"), data)

    def _connection(self) -> http.client.HTTPConnection:
        if self._is_safe:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=_PATIENCE, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)

    def _headers(self, guest: Guest) -> dict[str, str]:
        """None of the guest's own: it must not be able to say who it is."""
        return {
            signature.INSTANCE: guest.instance_id,
            signature.PROJECT: guest.project_id,
            signature.SIGNATURE: signature.sign(signature.shared_secret(self._conf), guest.instance_id),
            signature.SOURCE: guest.address,
            signature.FORWARDED: guest.address,
        }


def _local(conf: cfg.ConfigOpts) -> str:
    """The front end of this machine, at whatever address it listens."""
    bind = str(conf.front_end.bind)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # nosec B104
    return f"http://{f'[{host}]' if ':' in host else host}:{conf.front_end.port}/metadata"
