# SPDX-License-Identifier: Apache-2.0
"""The right to use a server's console for a while."""

from __future__ import annotations

from datetime import datetime

from minicloud.objects.base import Struct


class ConsoleToken(Struct, frozen=True, kw_only=True):
    """What a token stands for. The token itself is kept by nobody but who asked for it: here is its hash."""

    token_hash: str
    instance_uuid: str
    #: What the user asked for: novnc, serial …
    console_type: str
    #: The compute host that the server was on; a token is void when it has left.
    compute_host: str
    #: Where the console listened then, as seen from a proxy.
    host: str
    port: int
    tls_port: int | None = None
    internal_access_path: str | None = None
    expires_at: datetime
