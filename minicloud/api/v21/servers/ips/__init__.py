# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/ips: https://docs.openstack.org/api-ref/compute/#servers-ips-servers-ips"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup, views
from minicloud.web.operation import Operation


def _addresses(call: ApiCall, server_id: str, rule: str) -> dict[str, list[dict[str, Any]]]:
    found = lookup.find(call, server_id)
    call.authorize(rule, found.target)
    return views.addresses(found.instance.network_info, extended=False)


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"addresses": _addresses(call, server_id, "os_compute_api:ips:index")}


def show(call: ApiCall, server_id: str, network: str) -> dict[str, Any]:
    addresses = _addresses(call, server_id, "os_compute_api:ips:show")
    if network not in addresses:
        raise exception.NotFound("Instance is not a member of specified network")
    return {network: addresses[network]}


_PATH: Final = "/servers/{server_id}/ips"

OPERATIONS = (Operation("GET", _PATH, index), Operation("GET", f"{_PATH}/{{network}}", show))
