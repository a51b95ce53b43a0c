# SPDX-License-Identifier: Apache-2.0
"""Version documents, which clients read without a token before anything else."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.microversions import MAXIMUM, MINIMUM
from minicloud.web.operation import Operation

_MEDIA = "application/vnd.openstack.compute+json;version=2"


def _version(call: ApiCall, minor: int, *, with_media: bool) -> dict[str, Any]:
    name, path = ("v2.1", "v2.1") if minor else ("v2.0", "v2")
    document: dict[str, Any] = {
        "id": name,
        "status": "CURRENT" if minor else "SUPPORTED",
        "version": f"2.{MAXIMUM}" if minor else "",
        "min_version": f"2.{MINIMUM}" if minor else "",
        "updated": "2013-07-23T11:33:21Z" if minor else "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": f"{call.url}/{path}/"}],
    }
    if with_media:
        document["links"].append(
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/api-ref/compute/"}
        )
        document["media-types"] = [{"base": "application/json", "type": f"{_MEDIA}{'.1' if minor else ''}"}]
    return document


def index(call: ApiCall) -> dict[str, Any]:
    """GET / : both versions."""
    return {"versions": [_version(call, minor, with_media=False) for minor in (0, 1)]}


def show_v21(call: ApiCall) -> dict[str, Any]:
    """GET /v2.1/"""
    return {"version": _version(call, 1, with_media=True)}


def show_v2(call: ApiCall) -> dict[str, Any]:
    """GET /v2/ : the same API, without microversions."""
    return {"version": _version(call, 0, with_media=True)}


OPERATIONS = (
    Operation("GET", "/", index, public=True),
    Operation("GET", "/v2.1", show_v21, public=True),
    Operation("GET", "/v2", show_v2, public=True),
)
