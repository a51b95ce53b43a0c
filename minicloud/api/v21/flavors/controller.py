# SPDX-License-Identifier: Apache-2.0
"""List, show, create, describe and delete flavors."""

from __future__ import annotations

import re
import uuid
from typing import Any

from minicloud import exception
from minicloud.api import links
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.flavors import policy, schema, view
from minicloud.db.api import flavors
from minicloud.objects import Flavor
from minicloud.web.moments import now
from minicloud.web.operation import Operation

#: Values of ``is_public`` that mean "both".
_BOTH = frozenset({"none", "null"})
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})


def find(call: ApiCall, flavor_id: str) -> Flavor:
    """A flavor that the caller may use.

    :raises FlavorNotFound: also for one of other projects
    """
    with call.app.api_db.reader() as conn:
        flavor = flavors.get(conn, flavor_id)
    if not _visible(call, flavor):
        raise exception.FlavorNotFound(flavor_id=flavor_id)
    return flavor


def _visible(call: ApiCall, flavor: Flavor) -> bool:
    return flavor.is_public or call.ctxt.project_id in flavor.projects or call.may(policy.SEE_ALL)


def index(call: ApiCall) -> dict[str, Any]:
    return _list(call, view.BRIEF, "/flavors")


def detail(call: ApiCall) -> dict[str, Any]:
    return _list(call, view.FULL, "/flavors/detail")


def show(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    return {"flavor": view.FULL.render(call, find(call, flavor_id))}


def create(call: ApiCall) -> dict[str, Any]:
    values = call.body["flavor"]
    name = values["name"].strip()
    given = values.get("id")
    flavor = Flavor(
        flavorid=str(uuid.uuid4()) if given in (None, "auto") else str(given),
        name=name,
        memory_mb=int(values["ram"]),
        vcpus=int(values["vcpus"]),
        root_gb=int(values["disk"]),
        ephemeral_gb=int(values.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        swap=int(values.get("swap", 0)),
        rxtx_factor=float(values.get("rxtx_factor", 1.0)),
        is_public=_boolean(values.get("os-flavor-access:is_public", True)),
        description=values.get("description"),
        # As in Nova: who makes a private flavor does not thereby get access to it.
    )
    with call.app.api_db.writer() as conn:
        made = flavors.create(conn, flavor, now())
    return {"flavor": view.FULL.render(call, made)}


def update(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    description = call.body["flavor"]["description"]
    with call.app.api_db.writer() as conn:
        changed = flavors.change(conn, flavor_id, lambda flavor: flavor.replace(description=description), now())
    return {"flavor": view.FULL.render(call, changed)}


def delete(call: ApiCall, flavor_id: str) -> None:
    with call.app.api_db.writer() as conn:
        flavors.delete(conn, flavor_id)


# --- listing ---


def _list(call: ApiCall, shape: Any, path: str) -> dict[str, Any]:
    with call.app.api_db.reader() as conn:
        everything = flavors.find_all(conn)
    wanted = [flavor for flavor in everything if _wanted(call, flavor)]
    found, more = links.page(call, _sorted(call, wanted), lambda flavor: flavor.flavorid)
    answer: dict[str, Any] = {"flavors": shape.render_all(call, found)}
    if more:
        answer |= links.next_page(call, "flavors", path, found[-1].flavorid)
    return answer


def _wanted(call: ApiCall, flavor: Flavor) -> bool:
    public = _public_filter(call)
    return (
        (flavor.is_public if public is True else _visible(call, flavor) and public in (None, flavor.is_public))
        and flavor.memory_mb >= _least(call, "minRam")
        and flavor.root_gb >= _least(call, "minDisk")
        and (call.version < 102 or call.param("name") in (None, flavor.name))
    )


def _public_filter(call: ApiCall) -> bool | None:
    """True, False, or None for both; only an administrator may ask for more than the public ones."""
    text = call.param("is_public")
    if text is None:
        # Everybody also sees the private flavors of their own project.
        return True if call.may(policy.SEE_ALL) else None
    word = text.strip().lower()
    if word in _BOTH:
        return None
    if word not in _TRUE | _FALSE:
        raise exception.BadRequest(f"Invalid is_public filter [{text[:40]}]")
    if not call.may(policy.SEE_ALL):
        return None
    return word in _TRUE


def _least(call: ApiCall, name: str) -> int:
    text = call.param(name)
    if text is None:
        return 0
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise exception.BadRequest(f"Invalid {name} filter [{text[:40]}]")
    return int(text)


def _sorted(call: ApiCall, found: list[Flavor]) -> list[Flavor]:
    key = call.param("sort_key") or "flavorid"
    name = {"id": "flavorid", "vcpu_weight": "flavorid"}.get(key, key)
    reverse = (call.param("sort_dir") or "asc") == "desc"

    def value(flavor: Flavor) -> tuple[bool, Any]:
        it = getattr(flavor, name)
        return it is None, it if it is not None else 0

    return sorted(found, key=value, reverse=reverse)


def _boolean(value: bool | str) -> bool:
    return value if isinstance(value, bool) else value.strip().lower() in _TRUE


OPERATIONS = (
    Operation("GET", "/flavors", index, query=schema.LIST),
    Operation("POST", "/flavors", create, rule=policy.CREATE, body=schema.CREATE),
    Operation("GET", "/flavors/detail", detail, query=schema.LIST),
    Operation("GET", "/flavors/{flavor_id}", show, query=schema.SHOW),
    Operation("PUT", "/flavors/{flavor_id}", update, rule=policy.UPDATE, body=schema.UPDATE, since=55),
    Operation("DELETE", "/flavors/{flavor_id}", delete, rule=policy.DELETE, status=202),
)
