# SPDX-License-Identifier: Apache-2.0
"""The rows of the books as frozen structs; field names are column names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Standard(msgspec.Struct, frozen=True, kw_only=True):
    """What every resource has."""

    id: str
    project_id: str
    name: str = ""
    description: str = ""
    revision_number: int = 0
    created_at: datetime
    updated_at: datetime


class Network(Standard, frozen=True, kw_only=True):
    admin_state_up: bool = True
    shared: bool = False
    router_external: bool = False
    is_default: bool = False
    mtu: int = 1500
    port_security_enabled: bool = True
    provider_network_type: str | None = None
    provider_physical_network: str | None = None
    provider_segmentation_id: int | None = None
    dns_domain: str = ""
    availability_zone_hints: list[str] = []
    #: The project whose auto-allocated topology this network is.
    auto_of: str | None = None


class Subnet(Standard, frozen=True, kw_only=True):
    network_id: str
    ip_version: int
    cidr: str
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    allocation_pools: list[dict[str, str]] = []
    dns_nameservers: list[str] = []
    host_routes: list[dict[str, str]] = []
    ipv6_address_mode: str | None = None
    ipv6_ra_mode: str | None = None

    @property
    def by_mac(self) -> bool:
        """Whether hosts make their own addresses here (SLAAC), out of the MAC address."""
        return self.ip_version == 6 and self.ipv6_address_mode in ("slaac", "dhcpv6-stateless")


class Port(Standard, frozen=True, kw_only=True):
    network_id: str
    mac_address: str
    admin_state_up: bool = True
    status: str = "DOWN"
    device_id: str = ""
    device_owner: str = ""
    #: Place among the ports of its server, and the tag the server's owner gave it there.
    device_order: int = 0
    device_tag: str | None = None
    #: Whether compute made it for a server, and so deletes it with the server.
    made_by_compute: bool = False
    binding_host_id: str = ""
    binding_vif_type: str = "unbound"
    binding_vnic_type: str = "normal"
    binding_profile: dict[str, Any] = {}
    port_security_enabled: bool = True
    dns_name: str = ""
    extra_dhcp_opts: list[dict[str, Any]] = []
    allowed_address_pairs: list[dict[str, str]] = []


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One fixed address of a port."""

    subnet_id: str
    address: str
    port_id: str


class Router(Standard, frozen=True, kw_only=True):
    admin_state_up: bool = True
    status: str = "ACTIVE"
    gateway_port_id: str | None = None
    gateway_network_id: str | None = None
    enable_snat: bool = True
    routes: list[dict[str, str]] = []
    distributed: bool = False
    ha: bool = False
    availability_zone_hints: list[str] = []


class FloatingIp(Standard, frozen=True, kw_only=True):
    floating_network_id: str
    floating_ip_address: str
    floating_port_id: str
    port_id: str | None = None
    fixed_ip_address: str | None = None
    router_id: str | None = None
    status: str = "DOWN"
    dns_name: str = ""
    dns_domain: str = ""


class SecurityGroup(Standard, frozen=True, kw_only=True):
    stateful: bool = True
    #: The project whose default group this is.
    default_of: str | None = None


class SecurityGroupRule(Standard, frozen=True, kw_only=True):
    security_group_id: str
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_group_id: str | None = None
    remote_ip_prefix: str | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """The agent of a host, by its heartbeats."""

    id: str
    host: str
    #: Where the host's tunnels end; "": it has none.
    tunnel_ip: str = ""
    #: Part of the agent -> what is wrong with it.
    problems: dict[str, str] = {}
    created_at: datetime
    started_at: datetime
    heartbeat_at: datetime


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """A binding of a port to a host it may move to; the active one is on the port itself."""

    port_id: str
    host: str
    vnic_type: str = "normal"
    profile: dict[str, Any] = {}
