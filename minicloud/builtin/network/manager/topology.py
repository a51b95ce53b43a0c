# SPDX-License-Identifier: Apache-2.0
"""The auto-allocated topology: a network, subnet and router for a project that has none."""

from __future__ import annotations

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import networks, ports
from minicloud.builtin.network.entities import Network
from minicloud.builtin.network.manager.core import Unit
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.routers import INTERFACE, RouterManager
from minicloud.builtin.network.manager.subnets import SubnetManager


def check(unit: Unit, project_id: str) -> None:
    """
    :raises NoDefaultExternalNetwork: when none could be made
    """
    if networks.default_external(unit.conn) is None:
        raise exception.NoDefaultExternalNetwork(project_id=project_id)


def ensure(unit: Unit, project_id: str) -> Network:
    """A project's auto-allocated network, connected to the outside; made when it is not there."""
    found = networks.auto_of(unit.conn, project_id)
    if found is not None:
        return found
    outside = networks.default_external(unit.conn)
    if outside is None:
        raise exception.NoDefaultExternalNetwork(project_id=project_id)
    common = {"project_id": project_id}
    network = NetworkManager().create(unit, {**common, "name": "auto_allocated_network", "auto_of": project_id})
    cidr = unit.core.conf.network.auto_cidr
    subnet = SubnetManager().create(
        unit,
        {**common, "network_id": network.id, "name": "auto_allocated_subnet_v4", "cidr": cidr, "ip_version": 4},
    )
    routers = RouterManager()
    gateway = {"network_id": outside.id}
    router = routers.create(unit, {**common, "name": "auto_allocated_router", "external_gateway_info": gateway})
    routers.add_interface(unit, router, {"subnet_id": subnet.id})
    return network


def remove(unit: Unit, project_id: str) -> None:
    """
    :raises NetworkInUse: when something else is plugged in
    """
    network = networks.auto_of(unit.conn, project_id)
    if network is None:
        raise exception.NetworkNotFound(network_id=f"auto-allocated for {project_id}")
    routers = RouterManager()
    for port in ports.on_network(unit.conn, network.id):
        if port.device_owner == INTERFACE:
            router = routers.repository.get(unit.conn, port.device_id)
            routers.remove_interface(unit, router, {"port_id": port.id})
            routers.delete(unit, router)
    NetworkManager().delete(unit, network)
