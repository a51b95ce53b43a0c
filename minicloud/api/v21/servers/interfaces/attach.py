# SPDX-License-Identifier: Apache-2.0
"""Attaching a port to a server, which is answered when it is done, and detaching one, which is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.actions.base import check_state, host_of
from minicloud.api.v21.servers.schemas import DEVICE_TAG, UUID
from minicloud.db.cell import actions
from minicloud.objects import NetworkRequest, Vif
from minicloud.rpc.compute import ComputeStub
from minicloud.web.moments import now
from minicloud.web.validation import Schema

_RULE: Final = "os_compute_api:os-attach-interfaces"

SCHEMA: Final = Schema(
    {
        "type": "object",
        "properties": {
            "interfaceAttachment": {
                "type": "object",
                "properties": {
                    "net_id": UUID,
                    "port_id": UUID,
                    "fixed_ips": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"ip_address": {"type": "string", "format": "ip"}},
                            "required": ["ip_address"],
                            "additionalProperties": False,
                        },
                        "minItems": 1,
                        "maxItems": 1,
                    },
                    "tag": {**DEVICE_TAG, "x-since": 49},
                },
                "additionalProperties": False,
            }
        },
        "required": ["interfaceAttachment"],
        "additionalProperties": False,
    }
)


def attach(call: ApiCall, server_id: str, body: Mapping[str, Any]) -> Vif:
    """
    :raises BadRequest: for a network, port or address that contradict each other, or cannot be used
    :raises NotFound: for a network or port that is not there
    :raises Conflict: for a port or address in use, and for the server's state
    """
    found, stub, host = _begin(call, server_id, "create", "attach_interface")
    request = _resolved(call, _request(body))
    _record(call, found, "attach_interface")
    return stub.attach_interface(call.ctxt, host, found.instance, request)


def detach(call: ApiCall, server_id: str, port_id: str) -> None:
    """
    :raises PortNotFound: for a port that is not the server's
    """
    found, stub, host = _begin(call, server_id, "delete", "detach_interface")
    if port_id not in {vif.port_id for vif in found.instance.network_info}:
        raise exception.PortNotFound(port_id=port_id)
    _record(call, found, "detach_interface")
    stub.detach_interface(call.ctxt, host, found.instance, port_id)


def _begin(call: ApiCall, server_id: str, rule: str, name: str) -> tuple[lookup.Found, ComputeStub, str]:
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    lookup.check_lock(call, found.instance)
    check_state(found.instance, states.ACTIONS[name], name)
    host = host_of(call, found)
    assert found.home.compute is not None
    return found, found.home.compute, host


def _record(call: ApiCall, found: lookup.Found, action: str) -> None:
    with found.home.db.writer() as conn:
        actions.start(conn, call.ctxt, [found.instance.uuid], action, now())


def _request(body: Mapping[str, Any]) -> NetworkRequest | None:
    """What the body asks for; None: the project's only network."""
    network, port, addresses = body.get("net_id"), body.get("port_id"), body.get("fixed_ips")
    if port and (network or addresses):
        raise exception.BadRequest("Must not input both network_id and port_id")
    if addresses and not network:
        raise exception.BadRequest("Must input network_id when request IP address")
    if not (port or network):
        return NetworkRequest(tag=body["tag"]) if body.get("tag") else None
    address = addresses[0]["ip_address"] if addresses else None
    return NetworkRequest(network_id=network, port_id=port, fixed_ip=address, tag=body.get("tag"))


def _resolved(call: ApiCall, request: NetworkRequest | None) -> NetworkRequest:
    """The request with what the network service knows of it.

    What is 400 in the body of a new server is 404 or 409 here.
    """
    is_any = request is None or (request.network_id is None and request.port_id is None)
    wanted = [] if request is None or is_any else [request]
    try:
        found = call.app.network.resolve(call.ctxt, wanted, "", [], 1).requests
    except exception.RequestedNetworkNotFound as error:
        raise exception.NetworkNotFound(error.message) from None
    except exception.RequestedPortNotFound as error:
        raise exception.PortNotFound(error.message) from None
    except exception.RequestedFixedIpInUse as error:
        raise exception.Conflict(error.message) from None
    if not found:
        raise exception.InterfaceAttachFailedNoNetwork(project_id=call.ctxt.project_id)
    return found[0].replace(tag=request.tag if request else None)
