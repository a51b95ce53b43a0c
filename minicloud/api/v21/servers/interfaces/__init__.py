# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/os-interface: the ports of a server.

https://docs.openstack.org/api-ref/compute/#port-interfaces-servers-os-interface
"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.interfaces import attach
from minicloud.objects import Vif
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

_RULE: Final = "os_compute_api:os-attach-interfaces"

VIEW: Final[View[Vif]] = View(
    Field("net_id", lambda _call, vif: vif.network_id),
    Field("port_id", lambda _call, vif: vif.port_id),
    Field("mac_addr", lambda _call, vif: vif.mac_address),
    Field("port_state", lambda _call, vif: "ACTIVE" if vif.active else "DOWN"),
    Field(
        "fixed_ips",
        lambda _call, vif: [{"subnet_id": one.subnet_id, "ip_address": one.address} for one in vif.fixed_ips],
    ),
    Field("tag", lambda _call, vif: vif.tag, since=70),
)


def _ports(call: ApiCall, server_id: str, rule: str) -> tuple[Vif, ...]:
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    return found.instance.network_info


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"interfaceAttachments": VIEW.render_all(call, list(_ports(call, server_id, "list")))}


def show(call: ApiCall, server_id: str, port_id: str) -> dict[str, Any]:
    for vif in _ports(call, server_id, "show"):
        if vif.port_id == port_id:
            return {"interfaceAttachment": VIEW.render(call, vif)}
    raise exception.PortNotFound(port_id=port_id)


def create(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"interfaceAttachment": VIEW.render(call, attach.attach(call, server_id, call.body["interfaceAttachment"]))}


def delete(call: ApiCall, server_id: str, port_id: str) -> None:
    attach.detach(call, server_id, port_id)


_PATH: Final = "/servers/{server_id}/os-interface"

OPERATIONS = (
    Operation("GET", _PATH, index),
    Operation("POST", _PATH, create, body=attach.SCHEMA),
    Operation("GET", f"{_PATH}/{{port_id}}", show),
    Operation("DELETE", f"{_PATH}/{{port_id}}", delete, status=202),
)
