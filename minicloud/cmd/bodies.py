# SPDX-License-Identifier: Apache-2.0
"""How much of a body the HTTP server takes before any front end has seen the request.

waitress keeps a whole body, on disk when it is large, and only then calls the application:
without a bound here anybody could fill the disk, without so much as a token.
"""

from __future__ import annotations

import copy
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

#: Bytes of a body that is no image; above the bounds of all front ends, which answer better.
SMALL = 1 << 21


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress is untyped
    """Refuses large bodies, as soon as the headers are there, except for uploads of images."""

    adj: Any

    def parse_header(self, header_plus: Any) -> None:
        super().parse_header(header_plus)
        if not self._is_upload():
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = SMALL

    def _is_upload(self) -> bool:
        return self.command == "PUT" and str(self.path).endswith(("/file", "/stage")) and "X_AUTH_TOKEN" in self.headers


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress is untyped
    parser_class = _Parser
