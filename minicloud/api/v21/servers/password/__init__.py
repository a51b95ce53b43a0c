# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/os-server-password: what a guest told the metadata service, encrypted for its key pair.

https://docs.openstack.org/api-ref/compute/#servers-password-servers-os-server-password
"""

from __future__ import annotations

from typing import Final

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.db.cell import instances
from minicloud.web.moments import now
from minicloud.web.operation import Operation

_RULE: Final = "os_compute_api:os-server-password"

#: Where a server's record keeps it.
KEY: Final = "password"


def show(call: ApiCall, server_id: str) -> dict[str, str]:
    """Empty while the guest has set none."""
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:show", found.target)
    return {"password": found.instance.system_metadata.get(KEY, "")}


def clear(call: ApiCall, server_id: str) -> None:
    """Forget the record; the guest's password stays what it is."""
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:clear", found.target)
    if KEY in found.instance.system_metadata:
        with found.home.db.writer() as conn:
            instances.change_system_metadata(conn, server_id, _without, now())


def _without(items: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in items.items() if name != KEY}


_PATH: Final = "/servers/{server_id}/os-server-password"

OPERATIONS = (Operation("GET", _PATH, show), Operation("DELETE", _PATH, clear, status=204))
