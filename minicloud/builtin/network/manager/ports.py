# SPDX-License-Identifier: Apache-2.0
"""Ports: where something is plugged into a network, with its addresses and security groups."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Any
from uuid import uuid4

from minicloud import exception as errors
from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, routers
from minicloud.builtin.network.db import ports as books
from minicloud.builtin.network.drivers.base import NetworkDriver
from minicloud.builtin.network.entities import Address, Network, Port
from minicloud.builtin.network.ipam import Wish
from minicloud.builtin.network.manager import security_groups
from minicloud.builtin.network.manager.base import Manager, Values, charge
from minicloud.builtin.network.manager.core import Unit

#: Ports that belong to another resource and go only with it.
SERVICE_OWNERS = ("network:router_interface", "network:router_gateway", "network:floatingip")

#: Ports that the network service makes for itself; they hold nothing.
DHCP = "network:dhcp"


def new_mac() -> str:
    """A random address in the range that OpenStack's ports have."""
    return "fa:16:3e:" + ":".join(f"{octet:02x}" for octet in secrets.token_bytes(3))


def status(values: Values, driver: NetworkDriver) -> str:
    """A router's port is up; any other is what the driver makes of it once it is bound."""
    if not values.get("admin_state_up", True):
        return "DOWN"
    if values.get("device_owner", "").startswith(("network:router", "network:dhcp")):
        return "ACTIVE"
    return driver.bound_status if values.get("binding_host_id") else "DOWN"


class PortManager(Manager[Port]):
    RESOURCE = "port"
    FILTERS = ("fixed_ips", "security_groups")

    def __init__(self) -> None:
        super().__init__(books.ports)

    def target(self, unit: Unit, values: Values) -> dict[str, Any]:
        network = networks.networks.get(unit.conn, values["network_id"], unit.viewer)
        return {"project_id": values["project_id"], "network_project_id": network.project_id}

    def owner(self, unit: Unit, entity: Port) -> dict[str, Any]:
        network = networks.networks.get(unit.conn, entity.network_id)
        return {"project_id": entity.project_id, "network_project_id": network.project_id}

    def clauses(self, unit: Unit, filters: dict[str, list[str]]) -> list[Any]:
        found: list[Any] = []
        wishes = [text.partition("=") for text in filters.get("fixed_ips", [])]
        subnets = [value for key, _, value in wishes if key == "subnet_id"]
        exact = [_canonical(value) for key, _, value in wishes if key in ("ip_address", "ip")]
        parts = [value for key, _, value in wishes if key == "ip_address_substr"]
        if subnets or exact or parts:
            found.append(books.with_address(subnets, exact, parts))
        if "security_groups" in filters:
            found.append(books.with_security_group(filters["security_groups"]))
        return found

    def extras(self, unit: Unit, entities: list[Port]) -> list[dict[str, Any]]:
        keys = [port.id for port in entities]
        fixed = addresses.of_ports(unit.conn, keys)
        groups = books.security_groups(unit.conn, keys)
        domain = unit.core.conf.network.dns_domain
        return [
            {
                "fixed_ips": [{"subnet_id": each.subnet_id, "ip_address": each.address} for each in fixed[port.id]],
                "security_groups": groups[port.id],
                "binding:vif_details": {},
                "binding:vif_type": "unbound" if port.binding_vif_type == books.PARKED else port.binding_vif_type,
                "dns_assignment": [_dns(port, each.address, domain) for each in fixed[port.id]],
            }
            for port in entities
        ]

    def create(self, unit: Unit, values: Values) -> Port:
        network = networks.networks.get(unit.conn, values["network_id"], unit.viewer)
        charge(unit, values["project_id"], self)
        self._check_owner(unit, network, values)
        wishes, groups = _wishes(values.pop("fixed_ips", None)), values.pop("security_groups", None)
        values.setdefault("port_security_enabled", network.port_security_enabled)
        groups = self._groups_of_new(unit, values, groups)
        self._check_mac(unit, network, values.get("mac_address"))
        return make(unit, network, values, wishes, groups)

    def update(self, unit: Unit, entity: Port, changes: Values) -> Port:
        network = networks.networks.get(unit.conn, entity.network_id)
        if changes.get("device_owner", entity.device_owner) != entity.device_owner:
            self._check_owner(unit, network, changes)
        self._check_device(unit, entity, changes)
        wishes, groups = changes.pop("fixed_ips", None), changes.pop("security_groups", None)
        if changes.get("mac_address") not in (None, entity.mac_address):
            if entity.binding_host_id:
                raise exception.PortInUse(port_id=entity.id, network_id=network.id, device_id=entity.device_id)
            self._check_mac(unit, network, changes["mac_address"])
        secured = changes.get("port_security_enabled", entity.port_security_enabled)
        kept = books.security_groups(unit.conn, [entity.id])[entity.id] if groups is None else groups
        if not secured and kept:
            raise exception.PortSecurityAndIPRequiredForSecurityGroups()
        if groups is not None:
            security_groups.check_known(unit, groups)
            books.set_security_groups(unit.conn, entity.id, groups)
        if wishes is not None:
            self._readdress(unit, entity, wishes)
        return self._saved(unit, entity, changes, told=wishes is not None)

    def delete(self, unit: Unit, entity: Port) -> None:
        if entity.device_owner in SERVICE_OWNERS:
            raise exception.ServicePortInUse(port_id=entity.id, reason=f"has device owner {entity.device_owner}")
        unit.tell("network-vif-deleted", entity)
        destroy(unit, [entity])

    def _saved(self, unit: Unit, entity: Port, changes: Values, *, told: bool) -> Port:
        before = {name: getattr(entity, name) for name in ("binding_host_id", "device_owner", "admin_state_up")}
        after = {**before, **{name: value for name, value in changes.items() if name in before}}
        after["binding_host_id"] = after["binding_host_id"] or ""
        if "binding_host_id" in changes:
            changes["binding_host_id"] = after["binding_host_id"]
            changes["binding_vif_type"] = unit.core.driver.vif_type if after["binding_host_id"] else "unbound"
        if after != before:
            changes["status"] = status(after, unit.core.driver)
        saved = super().update(unit, entity, changes)
        if saved.binding_host_id != entity.binding_host_id:
            (unit.plugged if saved.binding_host_id else unit.unplugged).append(saved)
        if told or saved.name != entity.name:
            unit.tell("network-changed", saved)
        return saved

    def _check_owner(self, unit: Unit, network: Network, values: Values) -> None:
        """Nobody makes ports that pass for a router's, and only who owns a network for its services."""
        owner = values.get("device_owner") or ""
        trusted = (None,) if owner in SERVICE_OWNERS else (None, network.project_id)
        if owner.startswith("network:") and unit.viewer not in trusted:
            raise errors.Forbidden(f"device_owner {owner} is not for users to set.")

    def _check_device(self, unit: Unit, port: Port, changes: Values) -> None:
        """A bound port that a user gives to something else is bound no more.

        What is bound counts as the server's: no user may slip a port under another's server.
        """
        if unit.viewer is None or changes.get("device_id", port.device_id) == port.device_id:
            return
        if port.device_owner in SERVICE_OWNERS:
            raise errors.Forbidden(f"The device of a port of {port.device_owner} is not for users to set.")
        if port.binding_host_id or port.binding_vif_type == books.PARKED:
            unit.tell("network-vif-deleted", port)
            changes |= {"binding_host_id": "", "made_by_compute": False}

    def _check_mac(self, unit: Unit, network: Network, mac: str | None) -> None:
        table = self.repository.table.c
        if mac and self.repository.rows(unit.conn, table.network_id == network.id, table.mac_address == mac.lower()):
            raise exception.MacAddressInUse(network_id=network.id, mac=mac)

    def _groups_of_new(self, unit: Unit, values: Values, groups: list[str] | None) -> list[str]:
        if not values["port_security_enabled"]:
            if groups:
                raise exception.PortSecurityAndIPRequiredForSecurityGroups()
            return []
        if groups is None:
            if values.get("device_owner", "").startswith("network:"):
                return []
            return [security_groups.ensure_default(unit, values["project_id"])]
        security_groups.check_known(unit, groups)
        return list(dict.fromkeys(groups))

    def _readdress(self, unit: Unit, port: Port, wanted: list[dict[str, str]]) -> None:
        """Give a port other addresses; those it keeps stay as they are."""
        before = addresses.of_ports(unit.conn, [port.id])[port.id]
        wishes = _kept(_wishes(wanted) or [], before)
        addresses.remove(unit.conn, [port.id])
        subnets = networks.subnets.among(unit.conn, "network_id", [port.network_id])
        after = unit.core.allocator.allocate(unit.conn, subnets, (port.id, port.mac_address), wishes, tried=unit.tried)
        lost = {each.address for each in before} - {each.address for each in after}
        unit.freed += [each for each in before if each.address in lost]
        for floating in routers.floating_of_ports(unit.conn, [port.id]):
            if floating.fixed_ip_address in lost:
                routers.floating_ips.update(
                    unit.conn, floating.id, port_id=None, fixed_ip_address=None, router_id=None, status="DOWN"
                )


def make(unit: Unit, network: Network, values: Values, wishes: list[Wish] | None, groups: list[str]) -> Port:
    """Insert a port with its addresses and groups; everything about it is checked already."""
    values.setdefault("id", str(uuid4()))
    values["mac_address"] = (values.get("mac_address") or new_mac()).lower()
    values["binding_host_id"] = values.get("binding_host_id") or ""
    values["binding_vif_type"] = unit.core.driver.vif_type if values["binding_host_id"] else "unbound"
    values["status"] = status(values, unit.core.driver)
    port = books.ports.insert(unit.conn, **values)
    subnets = networks.subnets.among(unit.conn, "network_id", [network.id])
    unit.core.allocator.allocate(unit.conn, subnets, (port.id, port.mac_address), wishes, tried=unit.tried)
    books.add_security_groups(unit.conn, {port.id: groups})
    if port.binding_host_id:
        unit.plugged.append(port)
    return port


def destroy(unit: Unit, several: list[Port]) -> None:
    """Delete ports with their addresses; floating addresses stay, and lead nowhere."""
    keys = [port.id for port in several]
    if not keys:
        return
    for held in addresses.of_ports(unit.conn, keys).values():
        unit.freed += held
    routers.release(unit.conn, keys)
    books.delete_all(unit.conn, keys)
    unit.unplugged += [port for port in several if port.binding_host_id]


def _canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _wishes(fixed_ips: list[dict[str, Any]] | None) -> list[Wish] | None:
    if fixed_ips is None:
        return None
    wishes = [Wish(entry.get("subnet_id"), entry.get("ip_address")) for entry in fixed_ips]
    for wish in wishes:
        if wish.subnet_id is None and wish.address is None:
            raise exception.InvalidInput(reason="IP allocation requires subnet_id or ip_address")
    return wishes


def _kept(wishes: list[Wish], before: list[Address]) -> list[Wish]:
    """A wish for any address of a subnet is met by one that the port has there."""
    spare = [each for each in before if all(each.address != wish.address for wish in wishes)]
    found = []
    for wish in wishes:
        match = next((each for each in spare if wish.address is None and each.subnet_id == wish.subnet_id), None)
        if match is not None:
            spare.remove(match)
            wish = Wish(match.subnet_id, match.address)
        found.append(wish)
    return found


def _dns(port: Port, address: str, domain: str) -> dict[str, str]:
    host = port.dns_name or "host-" + address.replace(".", "-").replace(":", "-")
    return {"ip_address": address, "hostname": host, "fqdn": f"{host}.{domain}"}
