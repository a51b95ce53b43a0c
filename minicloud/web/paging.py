# SPDX-License-Identifier: Apache-2.0
"""limit and marker, and the ``next`` link of a page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from minicloud import exception
from minicloud.web.operation import Call

#: Query schemas of the paging keys, for :func:`minicloud.web.validation.query`.
LIMIT = {"type": "string", "pattern": "^[0-9]*$", "maxLength": 19}
PAGING: dict[str, Any] = {"limit": LIMIT, "marker": {"type": "string", "maxLength": 255}}


def limit(call: Call[Any], maximum: int = 1000) -> int:
    """How many items the page may have.

    :raises BadRequest: when ``limit`` is not a whole number of at least 0
    """
    text = call.param("limit")
    if text is None or text == "":
        return maximum
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise exception.BadRequest(f"limit must be a whole number of at least 0, not {text[:40]!r}")
    return min(int(text), maximum)


def next_link(call: Call[Any], path: str, marker: str) -> list[dict[str, str]]:
    """The ``<resource>_links`` of a page that is not the last."""
    pairs = [(key, value) for key, values in call.query.items() for value in values if key != "marker"]
    return [{"href": f"{call.url}{path}?{urlencode([*pairs, ('marker', marker)])}", "rel": "next"}]
