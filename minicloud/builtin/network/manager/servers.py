# SPDX-License-Identifier: Apache-2.0
"""Ports of servers: what compute asks for, apart from the public API.

:class:`ServerPorts` is on the way of every boot; a boot with one new port is seven statements
in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from minicloud import exception as errors
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.db import security_groups as group_rows
from minicloud.builtin.network.entities import Address, Network, Port, Subnet
from minicloud.builtin.network.ipam import Wish
from minicloud.builtin.network.manager import ports as port_manager
from minicloud.builtin.network.manager import security_groups
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.builtin.network.manager.views import vif, vifs
from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, PortOwner, SecurityGroup, SecurityGroupRule, Vif

#: What a port is when it is no longer a server's.
_UNBOUND: dict[str, Any] = {
    "device_id": "",
    "device_owner": "",
    "device_order": 0,
    "device_tag": None,
    "binding_host_id": "",
    "binding_vif_type": "unbound",
    "binding_profile": {},
    "status": "DOWN",
}


class ServerPorts:
    """Plugs servers in and out."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._owner = f"compute:{core.conf.network.availability_zone}"

    def allocate(
        self, ctxt: RequestContext, server: PortOwner, requests: Sequence[NetworkRequest], groups: Sequence[str]
    ) -> list[Vif]:
        """Plug a server in as requested; what an earlier try made is found again.

        :param groups: ids of security groups; none means the project's default group
        """

        def work(unit: Unit) -> list[Vif]:
            present = ports.of_server(unit.conn, server.uuid)
            missing = _unmet(requests, present)
            self._move(unit, present, server.host)
            made = self._plug(unit, server, missing, groups, len(present))
            return made if made is not None and not present else vifs(unit.conn, [server.uuid])[server.uuid]

        return self.core.run(ctxt, work)

    def attach(self, ctxt: RequestContext, server: PortOwner, request: NetworkRequest, groups: Sequence[str]) -> Vif:
        """Plug a running server in once more."""

        def work(unit: Unit) -> Vif:
            present = ports.of_server(unit.conn, server.uuid)
            order = max((port.device_order for port in present), default=-1) + 1
            self._plug(unit, server, [request], groups, order)
            (new,) = {port.id for port in ports.of_server(unit.conn, server.uuid)} - {port.id for port in present}
            return next(each for each in vifs(unit.conn, [server.uuid])[server.uuid] if each.port_id == new)

        return self.core.run(ctxt, work)

    def release(self, ctxt: RequestContext, instance_uuid: str, keep: Sequence[str], only: str | None = None) -> None:
        """Plug a server out: ports that compute made go, the user's own stay and are free again.

        :param keep: ids of ports that stay in any case
        :param only: one port; default all
        """

        def work(unit: Unit) -> None:
            present = [port for port in ports.of_server(unit.conn, instance_uuid) if only in (None, port.id)]
            gone = [port for port in present if port.made_by_compute and port.id not in keep]
            port_manager.destroy(unit, gone)
            for port in present:
                if port not in gone:
                    ports.ports.update(unit.conn, port.id, **_UNBOUND)
                    unit.unplugged.append(port)

        self.core.run(ctxt, work)

    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None:
        """A server is on another host now."""
        self.core.run(ctxt, lambda unit: self._move(unit, ports.of_server(unit.conn, instance_uuid), host))

    def describe(self, ctxt: RequestContext, instance_uuids: Sequence[str]) -> dict[str, list[Vif]]:
        """What servers are plugged into."""
        with self.core.reading(ctxt) as unit:
            return vifs(unit.conn, instance_uuids)

    def add_security_group(self, ctxt: RequestContext, instance_uuid: str, name: str) -> list[SecurityGroup]:
        """Let one more group guard every port of a server that can be guarded."""

        def work(unit: Unit) -> list[SecurityGroup]:
            group_id = _group_id(unit, name)
            present = [port for port in ports.of_server(unit.conn, instance_uuid) if port.port_security_enabled]
            if not present:
                raise errors.SecurityGroupCannotBeApplied()
            held = ports.security_groups(unit.conn, [port.id for port in present])
            missing = {port_id: [group_id] for port_id, groups in held.items() if group_id not in groups}
            ports.add_security_groups(unit.conn, missing)
            unit.plugged += [port for port in present if port.id in missing]
            return self._guards(unit, instance_uuid)

        return self.core.run(ctxt, work)

    def remove_security_group(self, ctxt: RequestContext, instance_uuid: str, name: str) -> list[SecurityGroup]:
        """Take a group from every port of a server."""

        def work(unit: Unit) -> list[SecurityGroup]:
            group_id = _group_id(unit, name)
            present = {port.id: port for port in ports.of_server(unit.conn, instance_uuid)}
            held = ports.security_groups(unit.conn, list(present))
            guarded = [port_id for port_id, groups in held.items() if group_id in groups]
            if not guarded:
                raise errors.SecurityGroupNotFound(
                    f"Security group {name} not associated with the instance {instance_uuid}"
                )
            for port_id in guarded:
                ports.set_security_groups(unit.conn, port_id, [one for one in held[port_id] if one != group_id])
            unit.plugged += [present[port_id] for port_id in guarded]
            return self._guards(unit, instance_uuid)

        return self.core.run(ctxt, work)

    def _guards(self, unit: Unit, instance_uuid: str) -> list[SecurityGroup]:
        """The groups of a server without their rules, by name."""
        held = ports.security_groups(unit.conn, [port.id for port in ports.of_server(unit.conn, instance_uuid)])
        ids = sorted({one for groups in held.values() for one in groups})
        return [
            SecurityGroup(id=group.id, name=group.name, description=group.description, project_id=group.project_id)
            for group in sorted(group_rows.groups.among(unit.conn, "id", ids), key=lambda group: group.name)
        ]

    def security_groups(self, ctxt: RequestContext, instance_uuid: str) -> list[SecurityGroup]:
        """What guards a server's ports, by name."""
        with self.core.reading(ctxt) as unit:
            present = [port.id for port in ports.of_server(unit.conn, instance_uuid)]
            ids = sorted({one for group in ports.security_groups(unit.conn, present).values() for one in group})
            rules = group_rows.rules_of(unit.conn, ids)
            found = group_rows.groups.among(unit.conn, "id", ids)
        shared = SecurityGroupRule.__struct_fields__
        return [
            SecurityGroup(
                id=group.id,
                name=group.name,
                description=group.description,
                project_id=group.project_id,
                rules=tuple(
                    SecurityGroupRule(**{name: getattr(rule, name) for name in shared}) for rule in rules[group.id]
                ),
            )
            for group in sorted(found, key=lambda group: group.name)
        ]

    def _move(self, unit: Unit, present: Sequence[Port], host: str) -> None:
        for port in present:
            if port.binding_host_id != host:
                unit.plugged.append(ports.ports.update(unit.conn, port.id, **self._bound(host)))

    def _bound(self, host: str) -> dict[str, Any]:
        """
        :param host: empty: nowhere, while a shelved server keeps its ports
        """
        if not host:
            return {"binding_host_id": "", "binding_vif_type": ports.PARKED, "status": "DOWN"}
        driver = self.core.driver
        return {"binding_host_id": host, "binding_vif_type": driver.vif_type, "status": driver.bound_status}

    def _plug(
        self, unit: Unit, server: PortOwner, requests: Sequence[NetworkRequest], groups: Sequence[str], order: int
    ) -> list[Vif] | None:
        """
        :param order: place of the first new port
        :returns: the new ports; None when a port of the user's is among them
        """
        placed = list(enumerate(requests, start=order))
        self._bind(unit, server, [(place, request) for place, request in placed if request.port_id])
        new = [(place, request) for place, request in placed if not request.port_id]
        made = self._make(unit, server, new, groups) if new else []
        return made if len(new) == len(placed) else None

    def _make(
        self, unit: Unit, server: PortOwner, requests: Sequence[tuple[int, NetworkRequest]], groups: Sequence[str]
    ) -> list[Vif]:
        known = networks.with_subnets(unit.conn, list({str(request.network_id) for _place, request in requests}))
        rows = []
        for place, request in requests:
            if request.network_id not in known:
                raise errors.RequestedNetworkNotFound(network_id=request.network_id)
            rows.append(self._row(server, request, known[request.network_id][0], place))
        made = ports.ports.insert_all(unit.conn, rows)
        if any(port.port_security_enabled for port in made):
            chosen = list(groups) or [security_groups.ensure_default(unit, server.project_id)]
            ports.add_security_groups(unit.conn, {port.id: chosen for port in made if port.port_security_enabled})
        unit.plugged += made
        found = []
        for port, (_place, request) in zip(made, requests, strict=True):
            network, subnets = known[port.network_id]
            held = self._address(unit, port, subnets, request.fixed_ip)
            found.append(vif(port, network, {subnet.id: subnet for subnet in subnets}, held, {}))
        return found

    def _address(self, unit: Unit, port: Port, subnets: list[Subnet], fixed: str | None) -> list[Address]:
        wishes = None if fixed is None else [Wish(None, fixed)]
        return self.core.allocator.allocate(unit.conn, subnets, (port.id, port.mac_address), wishes, tried=unit.tried)

    def _row(self, server: PortOwner, request: NetworkRequest, network: Network, place: int) -> dict[str, Any]:
        return {
            "id": str(uuid4()),
            "project_id": server.project_id,
            "network_id": network.id,
            "mac_address": port_manager.new_mac(),
            "device_id": server.uuid,
            "device_owner": self._owner,
            "device_order": place,
            "device_tag": request.tag,
            "made_by_compute": True,
            "port_security_enabled": network.port_security_enabled,
            "dns_name": server.hostname,
            **self._bound(server.host),
        }

    def _bind(self, unit: Unit, server: PortOwner, requests: Sequence[tuple[int, NetworkRequest]]) -> None:
        """Bind ports that the user brought."""
        if not requests:
            return
        found = {
            port.id: port
            for port in ports.ports.among(unit.conn, "id", [str(request.port_id) for _place, request in requests])
        }
        held = addresses.of_ports(unit.conn, list(found))
        for place, request in requests:
            port = found.get(str(request.port_id))
            if port is None or not (port.project_id == server.project_id or unit.viewer is None):
                raise errors.RequestedPortNotFound(port_id=request.port_id)
            if port.device_id not in ("", server.uuid):
                raise errors.PortInUse(port_id=port.id)
            if not held[port.id]:
                raise errors.PortRequiresFixedIp(port_id=port.id)
            changes = {"device_id": server.uuid, "device_owner": self._owner, "device_order": place}
            changes |= {"device_tag": request.tag, "dns_name": port.dns_name or server.hostname}
            unit.plugged.append(ports.ports.update(unit.conn, port.id, **changes, **self._bound(server.host)))


def _unmet(requests: Sequence[NetworkRequest], present: Sequence[Port]) -> list[NetworkRequest]:
    """The requests that no port of the server meets yet."""
    spare = list(present)
    missing = []
    for request in requests:
        for port in spare:
            mine = port.id == request.port_id if request.port_id else port.made_by_compute
            if mine and request.network_id in (None, port.network_id) and request.tag == port.device_tag:
                spare.remove(port)
                break
        else:
            missing.append(request)
    return missing


def _group_id(unit: Unit, name: str) -> str:
    """
    :param name: or an id, which goes first
    """
    found = group_rows.known(unit.conn, unit.project_id, [name])
    exact = [group for group in found if group.id == name] or found
    if not exact:
        raise errors.SecurityGroupNotFound(
            f"Security group {name} not found for project {unit.project_id}.", security_group_id=name
        )
    if len(exact) > 1:
        raise errors.NoUniqueMatch(what="security groups", name=name)
    return exact[0].id
