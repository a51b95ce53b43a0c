# SPDX-License-Identifier: Apache-2.0
"""One question of a guest: who is it, may it ask, and what does the service say."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from oslo_log import log as logging

from minicloud.builtin.network.agent.metadata.upstream import Guest, Reply

LOG = logging.getLogger(__name__)

#: Seconds between two pieces of a request.
_PATIENCE = 10.0

#: Bytes of a body; the only one that guests send is a password.
_MOST_BODY = 4096

#: Bytes of a path.
_MOST_PATH = 1024

#: Of a body that is refused: seconds until the rest must come, and so often it is read.
_LINGER = 1.0
_LINGER_READS = 16

#: (guest, method, path, body) -> answer
Ask = Callable[[Guest, str, str, bytes], Reply]


class Handler(BaseHTTPRequestHandler):
    """The standard library reads the request, with its own bounds of lines and headers; HTTP/1.0, one a connection."""

    timeout = _PATIENCE
    server_version = "minicloud"
    sys_version = ""

    def __init__(
        self,
        connection: socket.socket,
        address: str,
        *,
        identify: Callable[[str], Guest | None],
        allows: Callable[[str], bool],
        ask: Ask,
    ) -> None:
        """
        :param identify: address -> the guest that has it in this network
        :param allows: whether an address may ask now
        """
        self._address = address
        self._identify = identify
        self._allows = allows
        self._ask = ask
        super().__init__(connection, (address, 0), None)  # type: ignore[arg-type]  # no server is needed

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        if not self._allows(self._address):
            return self._say(429, "too many questions; ask more slowly")
        guest = self._identify(self._address)
        if guest is None:
            return self._say(404, "no server of this network has your address")
        if len(self.path) > _MOST_PATH or not self.path.startswith("/"):
            return self._say(400, "this is no path")
        body = self._body()
        if body is None:
            self._say(413, f"at most {_MOST_BODY} bytes")
            return self._linger()
        try:
            reply = self._ask(guest, self.command, self.path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: a path that http.client would not send on.
            LOG.warning("The metadata service cannot be asked: %s [instance: %s]", error, guest.instance_id)
            return self._say(503, "the metadata service does not answer; try again in a moment")
        if reply.status == 403:
            LOG.error("The metadata service does not know our signature; is [metadata] proxy_shared_secret the same?")
        self._send(reply)

    def _body(self) -> bytes | None:
        """None: too long."""
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return None
        if not 0 <= length <= _MOST_BODY or "Transfer-Encoding" in self.headers:
            return None
        return self.rfile.read(length)

    def _say(self, status: int, text: str) -> None:
        self._send(Reply(status, "text/plain", f"{status} {text}\n".encode()))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _linger(self) -> None:
        """Hear a while what is still sent: the end of a connection with unheard words takes our answer with it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            for _ in range(_LINGER_READS):
                if not self.rfile.read1(_MOST_BODY):
                    break

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug("Metadata for %s: %s", self._address, format % args)
