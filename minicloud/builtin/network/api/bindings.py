# SPDX-License-Identifier: Apache-2.0
"""Bindings of a port to hosts: the active one, and others made before a server moves there."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import ports
from minicloud.builtin.network.entities import Binding, Port
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.web.operation import Call, Operation
from minicloud.web.validation import Schema

_VALUES = {
    "host": {"type": "string", "minLength": 1, "maxLength": 255},
    "vnic_type": {"type": "string", "minLength": 1, "maxLength": 64},
    "profile": {"type": ["object", "null"]},
}


def _schema(required: list[str]) -> Schema:
    one = {"type": "object", "properties": _VALUES, "required": required, "additionalProperties": False}
    return Schema({"type": "object", "properties": {"binding": one}, "required": ["binding"]})


def _port(call: Call[Core], unit: Unit, key: str) -> Port:
    call.authorize("port_bindings")
    return ports.ports.get(unit.conn, key, None if unit.ctxt.roles and "service" in unit.ctxt.roles else unit.viewer)


def _active(unit: Unit, port: Port) -> dict[str, Any]:
    return {
        "host": port.binding_host_id,
        "status": "ACTIVE",
        "vif_type": port.binding_vif_type,
        "vif_details": {},
        "vnic_type": port.binding_vnic_type,
        "profile": port.binding_profile,
    }


def _inactive(unit: Unit, binding: Binding) -> dict[str, Any]:
    return {
        "host": binding.host,
        "status": "INACTIVE",
        "vif_type": unit.core.driver.vif_type,
        "vif_details": {},
        "vnic_type": binding.vnic_type,
        "profile": binding.profile,
    }


def _get(unit: Unit, port: Port, host: str) -> Binding:
    for binding in ports.bindings(unit.conn, port.id):
        if binding.host == host:
            return binding
    raise exception.PortBindingNotFound(port_id=port.id, host=host)


def list_bindings(call: Call[Core], key: str) -> dict[str, Any]:
    with call.app.reading(call.ctxt) as unit:
        port = _port(call, unit, key)
        active = [_active(unit, port)] if port.binding_host_id else []
        return {"bindings": [*active, *(_inactive(unit, each) for each in ports.bindings(unit.conn, port.id))]}


def create_binding(call: Call[Core], key: str) -> dict[str, Any]:
    wanted = call.body["binding"]

    def work(unit: Unit) -> dict[str, Any]:
        port = _port(call, unit, key)
        hosts = [port.binding_host_id, *(each.host for each in ports.bindings(unit.conn, port.id))]
        if wanted["host"] in hosts:
            raise exception.PortBindingAlreadyExists(port_id=port.id, host=wanted["host"])
        binding = Binding(
            port_id=port.id,
            host=wanted["host"],
            vnic_type=wanted.get("vnic_type", port.binding_vnic_type),
            profile=wanted.get("profile") or {},
        )
        ports.add_binding(unit.conn, binding)
        return {"binding": _inactive(unit, binding)}

    return call.app.run(call.ctxt, work)


def update_binding(call: Call[Core], key: str, host: str) -> dict[str, Any]:
    wanted = call.body["binding"]

    def work(unit: Unit) -> dict[str, Any]:
        port = _port(call, unit, key)
        old = _get(unit, port, host)
        ports.remove_binding(unit.conn, port.id, host)
        binding = Binding(
            port_id=port.id,
            host=host,
            vnic_type=wanted.get("vnic_type", old.vnic_type),
            profile=wanted.get("profile", old.profile) or {},
        )
        ports.add_binding(unit.conn, binding)
        return {"binding": _inactive(unit, binding)}

    return call.app.run(call.ctxt, work)


def delete_binding(call: Call[Core], key: str, host: str) -> None:
    def work(unit: Unit) -> None:
        port = _port(call, unit, key)
        if host == port.binding_host_id:
            changes = {"binding_host_id": "", "binding_vif_type": "unbound", "status": "DOWN"}
            unit.unplugged.append(ports.ports.update(unit.conn, port.id, **changes))
        elif not ports.remove_binding(unit.conn, port.id, host):
            raise exception.PortBindingNotFound(port_id=port.id, host=host)

    call.app.run(call.ctxt, work)


def activate_binding(call: Call[Core], key: str, host: str) -> dict[str, Any]:
    """The server moved: this binding is active now, and the one that was is not."""

    def work(unit: Unit) -> dict[str, Any]:
        port = _port(call, unit, key)
        if host == port.binding_host_id:
            raise exception.PortBindingAlreadyActive(port_id=port.id, host=host)
        binding = _get(unit, port, host)
        ports.remove_binding(unit.conn, port.id, host)
        if port.binding_host_id:
            before = Binding(
                port_id=port.id,
                host=port.binding_host_id,
                vnic_type=port.binding_vnic_type,
                profile=port.binding_profile,
            )
            ports.add_binding(unit.conn, before)
        moved = ports.ports.update(
            unit.conn,
            port.id,
            binding_host_id=host,
            binding_vif_type=unit.core.driver.vif_type,
            binding_vnic_type=binding.vnic_type,
            binding_profile=binding.profile,
            status=unit.core.driver.bound_status,
        )
        unit.plugged.append(moved)
        return {"binding": _active(unit, moved)}

    return call.app.run(call.ctxt, work)


_ALL = "/v2.0/ports/{key}/bindings"
OPERATIONS = (
    Operation("GET", _ALL, list_bindings),
    Operation("POST", _ALL, create_binding, body=_schema(["host"]), status=201),
    Operation("PUT", _ALL + "/{host}", update_binding, body=_schema([])),
    Operation("DELETE", _ALL + "/{host}", delete_binding, status=204),
    Operation("PUT", _ALL + "/{host}/activate", activate_binding),
)
