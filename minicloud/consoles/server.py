# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of a proxy: pages, a word on what a token is worth, and the way into a WebSocket."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oslo_config import cfg
from oslo_log import log as logging
from wsproto.connection import Connection, ConnectionType
from wsproto.utilities import generate_accept_token

from minicloud.consoles import grants
from minicloud.consoles.grants import Grants, Refused
from minicloud.consoles.pages import TYPES, Pages
from minicloud.consoles.relay import Limits, Relay, say_goodbye

LOG = logging.getLogger(__name__)

#: What every answer says. The pages bring no code of their own in the text, so that none is allowed there.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws: wss:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Console:
    """What the connections of one proxy share."""

    conf: cfg.ConfigOpts
    pages: Pages
    grants: Grants


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "minicloud"
    sys_version = ""
    #: Seconds for a request to be said.
    timeout = 15
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if "websocket" in self.headers.get("Upgrade", "").lower():
            self._open(url.query)
        elif url.path == "/status":
            self._status(url.query)
        else:
            self._file(url.path)

    def _file(self, path: str) -> None:
        file = self.server.console.pages.find(path)
        if file is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There is nothing here.\n", "text/plain; charset=utf-8")
        else:
            self._answer(HTTPStatus.OK, file.read_bytes(), TYPES[file.suffix])

    def _status(self, query: str) -> None:
        """Why a console cannot be had: a browser does not learn it from a WebSocket that is not opened."""
        library = self.server.console.pages.library
        said: dict[str, Any] = {"state": "ready", "message": "", "library": library.folder() is not None}
        try:
            grant = self.server.console.grants.find(self._token(query))
            said["server"] = grant.instance.display_name
        except Refused as refused:
            said |= {"state": refused.state, "message": refused.message}
        self._answer(HTTPStatus.OK, json.dumps(said).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # Pages and libraries change with packages, and what a token is worth at any time.
        self.send_header("Cache-Control", "no-store" if kind == "application/json" else "no-cache")
        self.end_headers()
        self.wfile.write(body)

    # --- WebSocket ---

    def _open(self, query: str) -> None:
        self.close_connection = True
        key = self.headers.get("Sec-WebSocket-Key", "")
        if not key or self.headers.get("Sec-WebSocket-Version") != "13":
            self._refuse(HTTPStatus.BAD_REQUEST, "it is no WebSocket of version 13")
            return
        if not self._is_origin_allowed():
            self._refuse(HTTPStatus.FORBIDDEN, "its page comes from elsewhere; see [console] allowed_origins")
            return
        try:
            grant = self.server.console.grants.find(self._token(query))
        except Refused as refused:
            # Nothing but a refusal, without a body: who has no token gets no WebSocket at all.
            self._refuse(HTTPStatus.FORBIDDEN, refused.message)
            return
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", generate_accept_token(key.encode()).decode())
        if "binary" in [one.strip() for one in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]:
            self.send_header("Sec-WebSocket-Protocol", "binary")
        self.end_headers()
        LOG.info("Console %s opened [instance: %s]", grant.token.console_type, grant.instance.uuid)
        self._relay(grant)
        LOG.info("Console %s closed [instance: %s]", grant.token.console_type, grant.instance.uuid)

    def _relay(self, grant: grants.Grant) -> None:
        conf = self.server.console.conf.console
        try:
            console = _connect(grant, conf.connect_timeout)
        except Refused as refused:
            say_goodbye(self.connection, Connection(ConnectionType.SERVER), refused.code, refused.message)
            return

        def check() -> bool:
            if self.server.is_stopping:
                raise Refused("stopping", "The console proxy is being stopped.")
            return self.server.console.grants.check(grant)

        with console:
            limits = Limits(idle=conf.idle_timeout, check=conf.check_interval)
            Relay(self.connection, console, check, limits).run()

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        LOG.info("A console was refused to %s: %s", self.client_address[0], reason)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _token(self, query: str) -> str:
        """From ``?token=``, from the ``?path=?token=`` of noVNC's pages, or from a cookie as those of old set it."""
        asked = parse_qs(query)
        inner = parse_qs(asked.get("path", [""])[0].partition("?")[2])
        found = asked.get("token") or inner.get("token")
        if found:
            return found[0]
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get("token")
        except CookieError:
            return ""
        return cookie.value if cookie is not None else ""

    def _is_origin_allowed(self) -> bool:
        origin = self.headers.get("Origin")
        if origin is None:
            return True  # not a browser
        try:
            page = urlsplit(origin)
            own = urlsplit(f"//{self.headers.get('Host', '')}")
            return page.netloc == own.netloc or page.hostname in self.server.console.conf.console.allowed_origins
        except ValueError:
            return False

    def log_message(self, format: str, *args: Any) -> None:
        """Not what http.server logs: that has tokens in it."""


def _connect(grant: grants.Grant, timeout: float) -> socket.socket:
    """
    :raises Refused: when the console is not there
    """
    place = grants.address(grant)
    try:
        return socket.create_connection((place.host, place.port), timeout)
    except OSError as error:
        LOG.warning("Console at %s:%s: %s [instance: %s]", place.host, place.port, error, grant.instance.uuid)
        raise Refused("unreachable", "The proxy cannot reach the console on the host of this server.") from None


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """Listens, with a thread for each connection and a bound on how many there are."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, place: tuple[str, int], console: Console) -> None:
        self.console = console
        self.is_stopping = False
        self._room = threading.BoundedSemaphore(console.conf.console.max_connections)
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name service for our name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            LOG.warning("Console proxy is full: %s is turned away", client_address[0])
            request.settimeout(1)
            try:
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug("Connection of %s ended", client_address, exc_info=True)
