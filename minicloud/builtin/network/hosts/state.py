# SPDX-License-Identifier: Apache-2.0
"""What is to be true on one host, read from the books in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from minicloud.builtin.network.db import addresses, agents, networks, ports, routers, security_groups
from minicloud.builtin.network.entities import Address, Agent, Network, Port, Router, Subnet
from minicloud.builtin.network.hosts import convert, dhcp_ports, placement
from minicloud.builtin.network.manager.core import Unit
from minicloud.builtin.network.manager.ports import DHCP
from minicloud.objects.host_network import HostNetwork, HostPort, HostRouter, HostSecurityGroup, HostState, Peer


class HostView:
    """The books as they concern one host."""

    def __init__(self, unit: Unit, host: str) -> None:
        self._unit = unit
        self._conn = unit.conn
        self.host = host

    # --- who is there --------------------------------------------------------------------------

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """The agents that live, by host."""
        found = agents.all_of(self._conn)
        return {each.host: each for each in placement.alive(found, self._unit.core.conf.service_down_time)}

    @cached_property
    def _hosts(self) -> set[str]:
        """This one too: it asks, so it lives."""
        return {self.host, *self.agents}

    # --- what is here --------------------------------------------------------------------------

    @cached_property
    def _guests(self) -> list[Port]:
        return ports.on_host(self._conn, self.host)

    @cached_property
    def _router_ports(self) -> dict[str, list[Port]]:
        """Router -> its ports, of all routers that have some."""
        found: dict[str, list[Port]] = {}
        for port in ports.of_routers(self._conn):
            found.setdefault(port.device_id, []).append(port)
        return found

    @cached_property
    def _routers_here(self) -> list[Router]:
        here = [key for key in self._router_ports if placement.place(key, self._hosts) == self.host]
        return routers.routers.among(self._conn, "id", here)

    @cached_property
    def _dhcp_here(self) -> set[str]:
        """The networks whose DHCP server is on this host: of those that have guests at all."""
        guests = ports.networks_with_guests(self._conn)
        return {key for key in guests if placement.place(key, self._hosts) == self.host}

    @cached_property
    def _networks(self) -> dict[str, tuple[Network, list[Subnet]]]:
        """The networks that have something here."""
        here = {port.network_id for port in self._guests} | self._dhcp_here
        here |= {port.network_id for router in self._routers_here for port in self._router_ports[router.id]}
        return networks.with_subnets(self._conn, sorted(here))

    # --- what the service itself still has to do ------------------------------------------------

    def unmet(self) -> list[str]:
        """The networks served from here whose DHCP port is not as it should be."""
        return [
            key
            for key in sorted(self._dhcp_here & set(self._networks))
            if not dhcp_ports.is_met(self._dhcp_port(key), self._held_by_dhcp(key), self._networks[key][1], self.host)
            and (dhcp_ports.served(self._networks[key][1]) or self._dhcp_port(key))
        ]

    def without_segment(self) -> list[Network]:
        """The networks here that lack the identifier of a tunnel."""
        return [
            network
            for network, _subnets in self._networks.values()
            if network.provider_segmentation_id is None
            and network.provider_physical_network is None
            and not network.router_external
        ]

    def _dhcp_port(self, network_id: str) -> Port | None:
        return next((each for each in self._ports[network_id] if each.device_owner == DHCP), None)

    def _held_by_dhcp(self, network_id: str) -> list[str]:
        port = self._dhcp_port(network_id)
        return [each.subnet_id for each in self._addresses[port.id]] if port else []

    # --- ports ---------------------------------------------------------------------------------

    @cached_property
    def _ports(self) -> dict[str, list[Port]]:
        """Network here -> all its ports."""
        found: dict[str, list[Port]] = {key: [] for key in self._networks}
        for port in ports.ports.among(self._conn, "network_id", list(self._networks)):
            found[port.network_id].append(port)
        return found

    @cached_property
    def _addresses(self) -> dict[str, list[Address]]:
        return addresses.of_ports(self._conn, [port.id for several in self._ports.values() for port in several])

    @cached_property
    def _groups(self) -> dict[str, list[str]]:
        return ports.security_groups(self._conn, [port.id for port in self._guests])

    def _place(self, port: Port) -> str:
        """Where a port is."""
        if port.device_id in self._router_ports and port.device_owner.startswith("network:router"):
            return placement.place(port.device_id, self._hosts)
        return port.binding_host_id

    @cached_property
    def _told(self) -> dict[str, HostPort]:
        """Every port of the networks here, as the agent is told of it."""
        found = {}
        for key, several in self._ports.items():
            subnets = {subnet.id: subnet for subnet in self._networks[key][1]}
            for port in several:
                held = [each for each in self._addresses[port.id] if each.subnet_id in subnets]
                found[port.id] = convert.port(port, held, subnets, self._groups.get(port.id, ()), self._place(port))
        return found

    # --- the whole -----------------------------------------------------------------------------

    def state(self) -> HostState:
        groups = self._security_groups()
        return HostState(
            host=self.host,
            networks=tuple(self._network(key) for key in self._networks),
            ports=tuple(self._told[port.id] for port in self._guests),
            security_groups=groups,
            members=self._members(groups),
            routers=tuple(self._router(router) for router in self._routers_here),
        )

    def _network(self, key: str) -> HostNetwork:
        row, subnets = self._networks[key]
        told = [self._told[port.id] for port in self._ports[key]]
        dhcp = self._dhcp_port(key) if key in self._dhcp_here else None
        return convert.network(
            row,
            subnets,
            told,
            self._peers(told),
            domain=self._unit.core.conf.network.dns_domain,
            dhcp_port=self._told[dhcp.id] if dhcp else None,
        )

    def _peers(self, told: Sequence[HostPort]) -> list[Peer]:
        """The other hosts of a network, of those that have tunnels."""
        behind: dict[str, list[str]] = {}
        for port in told:
            behind.setdefault(port.host, []).append(port.mac_address)
        return [
            Peer(host=host, address=self.agents[host].tunnel_ip, mac_addresses=tuple(sorted(macs)))
            for host, macs in sorted(behind.items())
            if host != self.host and host in self.agents and self.agents[host].tunnel_ip
        ]

    def _router(self, row: Router) -> HostRouter:
        told = [self._told[port.id] for port in self._router_ports[row.id]]
        return convert.router(row, told, routers.floating_of_router(self._conn, row.id))

    def _security_groups(self) -> tuple[HostSecurityGroup, ...]:
        keys = sorted({group for several in self._groups.values() for group in several})
        rules = security_groups.rules_of(self._conn, keys)
        found = security_groups.groups.among(self._conn, "id", keys)
        return tuple(convert.security_group(group, rules[group.id]) for group in found)

    def _members(self, groups: Iterable[HostSecurityGroup]) -> dict[str, tuple[str, ...]]:
        """Group that a rule names -> the addresses of its ports."""
        remote = sorted({rule.remote_group_id for group in groups for rule in group.rules if rule.remote_group_id})
        inside = ports.in_groups(self._conn, remote)
        keys = sorted({port_id for several in inside.values() for port_id in several})
        held = addresses.of_ports(self._conn, keys)
        pairs = {port.id: port.allowed_address_pairs for port in ports.ports.among(self._conn, "id", keys)}
        return {group: _addresses(several, held, pairs) for group, several in inside.items()}


def _addresses(
    port_ids: Iterable[str],
    held: Mapping[str, Sequence[Address]],
    pairs: Mapping[str, Sequence[Mapping[str, str]]],
) -> tuple[str, ...]:
    found = {each.address for key in port_ids for each in held[key]}
    found |= {each["ip_address"] for key in port_ids for each in pairs.get(key, ())}
    return tuple(sorted(found))
