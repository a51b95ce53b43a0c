# SPDX-License-Identifier: Apache-2.0
"""Downloads from addresses that users name, without letting them reach inside.

The host is resolved once, each of its addresses is checked, and the connection goes to the
address that was checked: asking the resolver again could give another answer. Redirects
are followed by hand, each checked alike. See RFC 6890 for which addresses are public.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec

from minicloud.builtin.image import errors

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_STALL = 30  # seconds without any data
_CHUNK = 256 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Limits(msgspec.Struct, frozen=True):
    """What a download may do: reach private addresses, which ports, seconds in all."""

    private_addresses: bool = False
    #: Empty: any.
    ports: tuple[int, ...] = (80, 443)
    seconds: float = 3600


def check(uri: str, limits: Limits) -> SplitResult:
    """Whether a URI may be tried at all, without resolving it.

    :raises UriRefused: by its scheme, host, port or a password in it
    """
    refused = errors.UriRefused(uri=uri[:255])
    if len(uri) > 2048 or not uri.isascii() or any(ord(char) <= 32 or ord(char) == 127 for char in uri):
        raise refused
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise refused from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or port is None or parts.username or parts.password:
        raise refused
    if limits.ports and port not in limits.ports:
        raise refused
    if not limits.private_addresses and not _may_be_public(host):
        raise refused
    return parts


def download(uri: str, limits: Limits) -> Iterator[bytes]:
    """The data behind a URI, in pieces.

    :raises UriRefused: when it, or where it redirects to, is not allowed
    :raises FetchFailed: when it cannot be had
    """
    deadline = time.monotonic() + limits.seconds
    for _ in range(_MOST_REDIRECTS + 1):
        connection, response = _request(check(uri, limits), uri, limits)
        try:
            location = response.getheader("Location")
            if response.status in _REDIRECTS and location:
                uri = urljoin(uri, location)
                continue
            if response.status != 200:
                raise errors.FetchFailed(reason=f"the server answered {response.status}")
            yield from _body(response, deadline)
            return
        finally:
            connection.close()
    raise errors.FetchFailed(reason="too many redirects")


def _request(
    parts: SplitResult, uri: str, limits: Limits
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    host = str(parts.hostname)
    port = parts.port or _PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=_STALL)
    try:
        connection.sock = _connect(host, port, limits, uri, tls=parts.scheme == "https")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"User-Agent": "minicloud", "Accept-Encoding": "identity"})
        return connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise errors.FetchFailed(reason=type(error).__name__) from error


def _connect(host: str, port: int, limits: Limits, uri: str, *, tls: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise errors.FetchFailed(reason="the host cannot be resolved") from None
    addresses = [str(item[4][0]) for item in found]
    # All of them: a name that points inside as well is up to no good.
    if not limits.private_addresses and not all(is_public(address) for address in addresses):
        raise errors.UriRefused(uri=uri[:255])
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, port), timeout=_STALL)
        except OSError as error:
            failure = error
            continue
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host) if tls else plain
    raise failure


def _body(response: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
    expected = response.length
    received = 0
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise errors.FetchFailed(reason=type(error).__name__) from error
        if not chunk:
            break
        if time.monotonic() > deadline:
            raise errors.FetchFailed(reason="it takes too long")
        received += len(chunk)
        yield chunk
    if expected is not None and received != expected:
        raise errors.FetchFailed(reason=f"the server sent {received} of {expected} bytes")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the Internet at large."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.sixtofour is not None or parsed.teredo is not None:
            return False
        if parsed in _NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        elif parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _may_be_public(host: str) -> bool:
    """False for what needs no resolver to be told inside: an address, localhost, ``.internal``."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        return name != "localhost" and not name.endswith((".localhost", ".internal", ".local"))
    return is_public(host)
