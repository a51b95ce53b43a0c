# SPDX-License-Identifier: Apache-2.0
"""What a new cloud has of networks: one to the outside, one for the demo project, and a router between."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

from minicloud import context
from minicloud.builtin.network import exception
from minicloud.builtin.network.db import MIGRATIONS, networks
from minicloud.builtin.network.drivers.loader import load_driver
from minicloud.builtin.network.entities import Network, Subnet
from minicloud.builtin.network.manager import security_groups
from minicloud.builtin.network.manager.base import Values
from minicloud.builtin.network.manager.core import Core, Unit, silent
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.routers import RouterManager
from minicloud.builtin.network.manager.security_groups import SecurityGroupRuleManager
from minicloud.builtin.network.manager.subnets import SubnetManager
from minicloud.db import migrate
from minicloud.db.session import Database


def bootstrap(conf: cfg.ConfigOpts, db: Database, *, admin_project: str, demo_project: str) -> None:
    """Migrate the database and fill it; one that has a network already stays as it is.

    :param admin_project: id of the project that owns the external network
    :param demo_project: id of the project that gets a private network
    """
    migrate.sync(db, MIGRATIONS)
    core = Core(conf, db, silent, load_driver(conf))
    core.run(context.admin(), lambda unit: _fill(unit, admin_project, demo_project))


def _fill(unit: Unit, admin_project: str, demo_project: str) -> None:
    if networks.any_there(unit.conn):
        return  # what an operator has taken away since the first start does not come back
    options = unit.core.conf.network
    public, _outside = _network(
        unit,
        {
            "project_id": admin_project,
            "name": "public",
            "router_external": True,
            "is_default": True,
            "provider_network_type": "flat",
            "provider_physical_network": "public",
        },
        {"cidr": options.public_cidr, "enable_dhcp": False},
    )
    _private, inside = _network(unit, {"project_id": demo_project, "name": "private"}, {"cidr": options.private_cidr})
    manager = RouterManager()
    gateway = {"network_id": public.id}
    router = manager.create(unit, {"project_id": demo_project, "name": "router1", "external_gateway_info": gateway})
    manager.add_interface(unit, router, {"subnet_id": inside.id})
    _open_group(unit, demo_project)


def _network(unit: Unit, network: Values, subnet: Values) -> tuple[Network, Subnet]:
    found = NetworkManager().create(unit, network)
    values: dict[str, Any] = {
        "project_id": found.project_id,
        "network_id": found.id,
        "name": f"{found.name}-subnet",
        "ip_version": 4,
        **subnet,
    }
    return found, SubnetManager().create(unit, values)


def _open_group(unit: Unit, project_id: str) -> None:
    """SSH and ping may come in to servers of the default group."""
    group = security_groups.ensure_default(unit, project_id)
    common = {"project_id": project_id, "security_group_id": group, "direction": "ingress", "ethertype": "IPv4"}
    ssh = {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    for more in (ssh, {"protocol": "icmp"}):
        try:
            SecurityGroupRuleManager().create(unit, {**common, **more})
        except exception.SecurityGroupRuleExists:
            continue
