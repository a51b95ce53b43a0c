# SPDX-License-Identifier: Apache-2.0
"""/os-console-auth-tokens/{token}: what a console's token stands for, for proxies of others.

https://docs.openstack.org/api-ref/compute/#server-consoles-servers-os-console-auth-tokens-os-console-auth-tokens
"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.cell import console_tokens
from minicloud.objects import ConsoleToken
from minicloud.web.moments import now
from minicloud.web.operation import Operation
from minicloud.web.policy import ADMIN, rule
from minicloud.web.view import Field, View

_RULE: Final = "os_compute_api:os-console-auth-tokens"

RULES = (rule(_RULE, ADMIN, "See where a console listens.", ("GET", "/os-console-auth-tokens/{console_token}")),)

VIEW: Final[View[ConsoleToken]] = View(
    Field("instance_uuid", lambda _call, one: one.instance_uuid),
    Field("host", lambda _call, one: one.host),
    Field("port", lambda _call, one: one.port),
    Field("tls_port", lambda _call, one: one.tls_port, since=99),
    Field("internal_access_path", lambda _call, one: one.internal_access_path),
)


def show(call: ApiCall, console_token: str) -> dict[str, Any]:
    """
    :raises BadRequest: 400, before 2.31: that was for RDP consoles only, of which there are none any more
    :raises NotFound: 404, when it is unknown or void
    """
    if call.version < 31:
        raise exception.BadRequest("The requested console type details are not accessible")

    def ask(cell: Cell) -> ConsoleToken | None:
        with cell.db.reader() as conn:
            return console_tokens.find(conn, console_token, now())

    answers = call.app.cells.scatter(ask, call.app.cells.all()).answers.values()
    found = next(filter(None, answers), None)
    if found is None:
        raise exception.NotFound("Token not found")
    return {"console": VIEW.render(call, found)}


OPERATIONS = (Operation("GET", "/os-console-auth-tokens/{console_token}", show, _RULE),)
