# SPDX-License-Identifier: Apache-2.0
"""What compute knows of a server's ports."""

from __future__ import annotations

from minicloud.objects.base import Struct


class FixedIp(Struct, frozen=True, kw_only=True):
    """An address of a port, with what its subnet tells a guest that is not asked to use DHCP."""

    address: str
    subnet_id: str
    version: int = 4
    floating: tuple[str, ...] = ()
    #: Bits of the subnet's mask; None: not known.
    prefix: int | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    #: (destination, next hop) of each route besides the one through the gateway.
    routes: tuple[tuple[str, str], ...] = ()
    #: How a guest comes to the address: "static", "dhcp" or "slaac".
    assigned_by: str = "static"


class Vif(Struct, frozen=True, kw_only=True):
    """One port of a server, as cached beside the instance."""

    port_id: str
    network_id: str
    network_name: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    active: bool = False
    #: Whether compute made the port, and so deletes it with the server.
    created_by_compute: bool = True
    tag: str | None = None
    mtu: int = 1500
    vnic_type: str = "normal"
    #: ``binding:vif_type``: "bridge" is plugged into :attr:`bridge`; "other" into nothing on the host.
    vif_type: str = "other"
    #: Name of the host's bridge that stands for the network; whoever comes first makes it.
    bridge: str | None = None

    @property
    def devname(self) -> str:
        """The host's end of the interface, by the name that OpenStack gives it."""
        return f"tap{self.port_id[:11]}"


class PortOwner(Struct, frozen=True, kw_only=True):
    """The server that ports are for, and the host where they are plugged in."""

    project_id: str
    uuid: str
    hostname: str
    host: str


class NetworkRequest(Struct, frozen=True, kw_only=True):
    """One entry of ``networks`` in POST /servers, resolved to ids."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


class ResolvedNetworks(Struct, frozen=True, kw_only=True):
    """What the network service made of the networks and security groups of POST /servers."""

    requests: tuple[NetworkRequest, ...] = ()
    #: (id, name) of each group; empty when none was asked for: then the default group is meant.
    security_groups: tuple[tuple[str, str], ...] = ()
    #: False: no port of the server's will have any, since the networks or the ports are open on purpose.
    is_guarded: bool = True


class SecurityGroupRule(Struct, frozen=True, kw_only=True):
    """One rule of a security group, by the names of the network API."""

    id: str
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_group_id: str | None = None
    remote_ip_prefix: str | None = None


class SecurityGroup(Struct, frozen=True, kw_only=True):
    """A security group of a server, with what it lets through."""

    id: str
    name: str
    description: str
    project_id: str
    rules: tuple[SecurityGroupRule, ...] = ()


class ResourceEvent(Struct, frozen=True, kw_only=True):
    """What a neighbour tells compute: os-server-external-events."""

    name: str
    server_uuid: str
    tag: str | None = None
    status: str = "completed"
