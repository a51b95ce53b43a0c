# SPDX-License-Identifier: Apache-2.0
"""List, show, create, import and delete key pairs."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api import links, quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.keypairs import keys, policy, schema
from minicloud.db.api import keypairs
from minicloud.objects import Keypair
from minicloud.web import paging
from minicloud.web.moments import iso_micro, now
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

_BASE = (
    Field("name", lambda call, keypair: keypair.name),
    Field("public_key", lambda call, keypair: keypair.public_key),
    Field("fingerprint", lambda call, keypair: keypair.fingerprint),
    Field("type", lambda call, keypair: keypair.type, since=2),
)
LISTED: View[Keypair] = View(*_BASE)
CREATED: View[Keypair] = View(*_BASE, Field("user_id", lambda call, keypair: keypair.user_id))
SHOWN: View[Keypair] = View(
    *_BASE,
    Field("user_id", lambda call, keypair: keypair.user_id),
    Field("id", lambda call, keypair: keypair.id),
    Field("created_at", lambda call, keypair: iso_micro(keypair.created_at)),
    Field("updated_at", lambda call, keypair: None),
    Field("deleted", lambda call, keypair: False),
    Field("deleted_at", lambda call, keypair: None),
)


def _user(call: ApiCall, asked: str | None, rule: str) -> str:
    """Whose key pairs: one's own, or from 2.10 on those of a user an administrator names."""
    user = asked if asked and call.version >= 10 else call.ctxt.user_id
    call.authorize(rule, {"user_id": user})
    return str(user)


def index(call: ApiCall) -> dict[str, Any]:
    user = _user(call, call.param("user_id"), policy.INDEX)
    paged = call.version >= 35
    size = paging.limit(call) if paged else None
    marker = call.param("marker") if paged else None
    with call.app.api_db.reader() as conn:
        if marker:
            _exists(call, keypairs.find(conn, user), marker)
        found = keypairs.find(conn, user, limit=None if size is None else size + 1, after=marker)
    shown = found if size is None else found[:size]
    answer: dict[str, Any] = {"keypairs": [{"keypair": one} for one in LISTED.render_all(call, shown)]}
    if size and len(found) > size:
        answer |= links.next_page(call, "keypairs", "/os-keypairs", shown[-1].name)
    return answer


def _exists(call: ApiCall, found: list[Keypair], marker: str) -> None:
    if all(one.name != marker for one in found):
        raise exception.InvalidMarker(marker=marker)


def show(call: ApiCall, keypair_name: str) -> dict[str, Any]:
    user = _user(call, call.param("user_id"), policy.SHOW)
    with call.app.api_db.reader() as conn:
        return {"keypair": SHOWN.render(call, keypairs.get(conn, user, keypair_name))}


def create(call: ApiCall) -> dict[str, Any]:
    values = call.body["keypair"]
    user = _user(call, values.get("user_id"), policy.CREATE)
    kind = values.get("type", "ssh")
    given = values.get("public_key")
    # Before the writer: making a key takes longer than any transaction should.
    pair = keys.generated(kind, user) if given is None else keys.imported(kind, given)
    keypair = Keypair(
        user_id=user, name=values["name"], type=kind, public_key=pair.public_key, fingerprint=pair.fingerprint
    )
    with call.app.api_db.writer() as conn:
        limits = quota.user_limits(call.app.conf, conn, call.ctxt.project_id or "", user)
        quota.check_count(limits, "key_pairs", keypairs.count(conn, user), "Quota exceeded, too many key pairs.")
        made = keypairs.create(conn, keypair, now())
    shown = CREATED.render(call, made)
    if pair.private_key is not None:
        shown["private_key"] = pair.private_key
    return {"keypair": shown}


def delete(call: ApiCall, keypair_name: str) -> None:
    user = _user(call, call.param("user_id"), policy.DELETE)
    with call.app.api_db.writer() as conn:
        keypairs.delete(conn, user, keypair_name)


_ONE = "/os-keypairs/{keypair_name}"

OPERATIONS = (
    Operation("GET", "/os-keypairs", index, query=schema.LIST),
    Operation(
        "POST",
        "/os-keypairs",
        create,
        body=schema.CREATE,
        until=91,
        status=lambda version: 201 if version >= 2 else 200,
    ),
    Operation("POST", "/os-keypairs", create, body=schema.CREATE_92, since=92, status=201),
    Operation("GET", _ONE, show, query=schema.SHOW),
    Operation("DELETE", _ONE, delete, query=schema.SHOW, status=lambda version: 204 if version >= 2 else 202),
)
