# SPDX-License-Identifier: Apache-2.0
"""What the bare port answers: where the front ends are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from minicloud.web.app import Wsgi


def make_app(prefixes: Iterable[str]) -> Wsgi:
    """An application that lists the front ends at ``/`` and knows nothing else."""
    known = sorted(prefixes)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        base = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST') or environ['SERVER_NAME']}"
        found = environ.get("PATH_INFO", "/") in ("", "/")
        body: dict[str, Any] = {"services": {prefix.strip("/"): f"{base}{prefix}/" for prefix in known}}
        if not found:
            body = {"itemNotFound": {"code": 404, "message": f"Nothing here; the services are at {', '.join(known)}."}}
        raw = msgspec.json.encode(body)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(raw)))]
        start_response("200 OK" if found else "404 Not Found", headers)
        return [raw]

    return app
