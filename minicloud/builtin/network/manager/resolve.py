# SPDX-License-Identifier: Apache-2.0
"""What POST /servers asks of the network service before it accepts a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from minicloud import exception as errors
from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.db import security_groups as groups_books
from minicloud.builtin.network.entities import Network
from minicloud.builtin.network.ipam import Wish, subnet_for
from minicloud.builtin.network.manager import security_groups, topology
from minicloud.builtin.network.manager.base import limit_of
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, ResolvedNetworks

AUTO, NONE = "auto", "none"


class _Checked(NamedTuple):
    """One entry of ``networks`` that can be had."""

    request: NetworkRequest
    #: Whether security groups guard its port.
    is_guarded: bool


class Resolver:
    """Turns what a user wrote into what a host can plug in."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def resolve(
        self, ctxt: RequestContext, requests: Sequence[NetworkRequest], mode: str, groups: Sequence[str], count: int
    ) -> ResolvedNetworks:
        """
        :param mode: "auto", "none", or "" for what the requests say; without any, the project's only network
        :param groups: names or ids of security groups
        :param count: servers that are asked for
        :raises BadRequest, NetworkAmbiguous, PortInUse, PortLimitExceeded: see :mod:`minicloud.exception`
        """
        if "default" in groups:
            self._make_default_group(ctxt)
        with self.core.reading(ctxt) as unit:
            found = self._requests(unit, list(requests), mode)
            known = tuple(_group(unit, name) for name in groups)
            if found is not None:
                self._check_quota(unit, [one.request for one in found], count)
        if found is None:
            found = [_Checked(self._auto(ctxt), True)]
        return ResolvedNetworks(
            requests=tuple(one.request for one in found),
            security_groups=tuple(dict.fromkeys(known)),
            is_guarded=not found or any(one.is_guarded for one in found),
        )

    def _requests(self, unit: Unit, requests: list[NetworkRequest], mode: str) -> list[_Checked] | None:
        """
        :returns: None when a network must be made first
        """
        if mode == NONE:
            return []
        if requests:
            return [_checked(unit, request) for request in requests]
        usable = networks.usable(unit.conn, unit.project_id)
        if len(usable) > 1:
            raise errors.NetworkAmbiguous()
        if usable:
            return [_checked(unit, NetworkRequest(network_id=usable[0].id))]
        return None if mode == AUTO else []

    def _auto(self, ctxt: RequestContext) -> NetworkRequest:
        try:
            network = self.core.run(ctxt, lambda unit: topology.ensure(unit, unit.project_id))
        except exception.NoDefaultExternalNetwork:
            raise errors.UnableToAutoAllocateNetwork(project_id=ctxt.project_id) from None
        return NetworkRequest(network_id=network.id)

    def _make_default_group(self, ctxt: RequestContext) -> None:
        with self.core.reading(ctxt) as unit:
            missing = groups_books.default_id(unit.conn, unit.project_id) is None
        if missing:
            self.core.run(ctxt, lambda unit: security_groups.ensure_default(unit, unit.project_id))

    def _check_quota(self, unit: Unit, requests: Sequence[NetworkRequest], count: int) -> None:
        new = sum(1 for request in requests if request.port_id is None) * count
        limit = limit_of(unit, unit.project_id, "port")
        if new and limit >= 0 and ports.ports.count(unit.conn, unit.project_id) + new > limit:
            raise errors.PortLimitExceeded()


def _group(unit: Unit, name: str) -> tuple[str, str]:
    found = groups_books.known(unit.conn, unit.project_id, [name])
    exact = [group for group in found if group.id == name] or found
    if not exact:
        raise errors.RequestedSecurityGroupNotFound(security_group_id=name, project_id=unit.project_id)
    if len(exact) > 1:
        raise errors.NoUniqueMatch(what="security groups", name=name)
    return exact[0].id, exact[0].name


def _checked(unit: Unit, request: NetworkRequest) -> _Checked:
    return _checked_port(unit, request) if request.port_id else _checked_network(unit, request)


def _checked_port(unit: Unit, request: NetworkRequest) -> _Checked:
    port = ports.ports.find(unit.conn, str(request.port_id))
    if port is None or unit.viewer not in (None, port.project_id):
        raise errors.RequestedPortNotFound(port_id=request.port_id)
    if port.device_id:
        raise errors.PortInUse(port_id=port.id)
    if not addresses.of_ports(unit.conn, [port.id])[port.id]:
        raise errors.PortRequiresFixedIp(port_id=port.id)
    return _Checked(request.replace(network_id=port.network_id), port.port_security_enabled)


def _checked_network(unit: Unit, request: NetworkRequest) -> _Checked:
    network = networks.networks.find(unit.conn, str(request.network_id), unit.viewer)
    if network is None:
        raise errors.RequestedNetworkNotFound(network_id=request.network_id)
    if network.router_external and not network.shared and unit.viewer is not None:
        raise errors.ExternalNetworkAttachForbidden(network_id=network.id)
    subnets = networks.subnets.among(unit.conn, "network_id", [network.id])
    if not subnets:
        raise errors.NetworkRequiresSubnet(network_id=network.id)
    if request.fixed_ip is not None:
        _check_fixed(unit, network, request.fixed_ip)
    return _Checked(request, network.port_security_enabled)


def _check_fixed(unit: Unit, network: Network, fixed: str) -> None:
    subnets = networks.subnets.among(unit.conn, "network_id", [network.id])
    try:
        address = str(ipaddress.ip_address(fixed))
        subnet = subnet_for(subnets, Wish(None, address))
    except (ValueError, exception.InvalidIpForNetwork):
        raise errors.RequestedFixedIpInvalid(address=fixed, network_id=network.id) from None
    if addresses.holder(unit.conn, subnet.id, address) is not None:
        raise errors.RequestedFixedIpInUse(address=address)
