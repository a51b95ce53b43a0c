# SPDX-License-Identifier: Apache-2.0
"""What the network service tells the agent of one host: all that is to be true there.

It is the whole desired state, never a change to it: whoever missed a message lacks nothing. Names of
devices and namespaces are made here and nowhere else. Each begins with ``mc`` and is at most 15
characters long if the kernel has it as a device; what has another name is none of ours.
"""

from __future__ import annotations

from minicloud.objects.base import Struct

#: Characters of an id in the name of a device, as in the "tap" devices of OpenStack.
_SHORT = 11


def bridge_name(network_id: str) -> str:
    """The host's bridge that stands for a network."""
    return f"mcb{network_id[:_SHORT]}"


def outer_name(port_id: str) -> str:
    """The host's end of a cable into a namespace of ours: the end that is in the bridge."""
    return f"mco{port_id[:_SHORT]}"


def inner_name(port_id: str) -> str:
    """The other end, in the namespace."""
    return f"mci{port_id[:_SHORT]}"


class HostRoute(Struct, frozen=True, kw_only=True):
    """A route that hosts of a subnet, or a router, shall have."""

    destination: str
    nexthop: str


class HostAddress(Struct, frozen=True, kw_only=True):
    """A fixed address of a port; its prefix is that of its subnet."""

    subnet_id: str
    address: str
    #: Length of the prefix in bits.
    prefix: int

    @property
    def version(self) -> int:
        return 6 if ":" in self.address else 4


class AddressPair(Struct, frozen=True, kw_only=True):
    """What a port may send as besides its own addresses."""

    #: An address or a CIDR.
    ip_address: str
    mac_address: str


class DhcpOption(Struct, frozen=True, kw_only=True):
    """An extra DHCP option of one port, by dnsmasq's name or by number."""

    name: str
    value: str
    version: int = 4


class HostPort(Struct, frozen=True, kw_only=True):
    """A port, wherever it is."""

    id: str
    network_id: str
    mac_address: str
    #: The host it is on; "": none.
    host: str = ""
    #: ACTIVE or DOWN, as the network service has been told.
    status: str = "DOWN"
    addresses: tuple[HostAddress, ...] = ()
    device_id: str = ""
    device_owner: str = ""
    #: Whose it is; a shared network has ports of several.
    project_id: str = ""
    #: Its name in DNS, without the domain; "": the address says it.
    dns_name: str = ""
    admin_state_up: bool = True
    port_security_enabled: bool = True
    #: Ids, each in :attr:`HostState.security_groups` if the port is on this host.
    security_groups: tuple[str, ...] = ()
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    dhcp_options: tuple[DhcpOption, ...] = ()

    @property
    def devname(self) -> str:
        """The host's end of a guest's interface, by the name that the compute driver gives it."""
        return f"tap{self.id[:_SHORT]}"

    @property
    def outer(self) -> str:
        return outer_name(self.id)

    @property
    def inner(self) -> str:
        return inner_name(self.id)


class HostSubnet(Struct, frozen=True, kw_only=True):
    id: str
    ip_version: int
    cidr: str
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    #: slaac, dhcpv6-stateful, dhcpv6-stateless, or None.
    ipv6_address_mode: str | None = None
    ipv6_ra_mode: str | None = None


class Peer(Struct, frozen=True, kw_only=True):
    """Another host that has a network, and what is behind its tunnel."""

    host: str
    #: Its end of the tunnel.
    address: str
    mac_addresses: tuple[str, ...] = ()


class HostNetwork(Struct, frozen=True, kw_only=True):
    """A network that this host has a part in."""

    id: str
    name: str
    project_id: str = ""
    mtu: int = 1500
    #: VXLAN network identifier; None: the network leaves the host by no tunnel.
    segment: int | None = None
    is_external: bool = False
    #: Name of the physical network of a flat network; the agent's configuration says which interface that is.
    physical_network: str | None = None
    #: Domain of the names of its ports, without the dot at its end.
    dns_domain: str = ""
    subnets: tuple[HostSubnet, ...] = ()
    #: All its ports, on whichever host, by id.
    ports: tuple[HostPort, ...] = ()
    peers: tuple[Peer, ...] = ()
    #: Its DHCP server's port, when the server is on this host.
    dhcp_port: HostPort | None = None

    @property
    def bridge(self) -> str:
        return bridge_name(self.id)

    @property
    def vxlan(self) -> str:
        """The tunnel's device."""
        return f"mcx{self.id[:_SHORT]}"

    @property
    def host_leg(self) -> str:
        """The host's own device in an external network, and below the other end of that cable, in the bridge."""
        return f"mch{self.id[:_SHORT]}"

    @property
    def host_leg_outer(self) -> str:
        return f"mcl{self.id[:_SHORT]}"

    @property
    def dhcp_namespace(self) -> str:
        return f"mcdhcp-{self.id}"


class HostRule(Struct, frozen=True, kw_only=True):
    """One rule of a security group. What is None means any."""

    id: str
    #: ingress (to the guest) or egress
    direction: str
    #: IPv4 or IPv6
    ethertype: str
    #: Name or number, see ``manager/security_groups.py: PROTOCOLS``.
    protocol: str | None = None
    #: Ports, or ICMP's type and code.
    port_range_min: int | None = None
    port_range_max: int | None = None
    #: A CIDR of the ethertype.
    remote_ip_prefix: str | None = None
    #: Id of a group; its members' addresses are in :attr:`HostState.members`.
    remote_group_id: str | None = None


class HostSecurityGroup(Struct, frozen=True, kw_only=True):
    id: str
    stateful: bool = True
    rules: tuple[HostRule, ...] = ()


class HostFloatingIp(Struct, frozen=True, kw_only=True):
    """An address of the external network that leads to a fixed address behind a router."""

    id: str
    address: str
    fixed_address: str
    port_id: str
    #: As the books have it: ACTIVE once an agent has said that it leads where it should.
    status: str = "ACTIVE"


class HostRouter(Struct, frozen=True, kw_only=True):
    """A router that is on this host; its networks are in :attr:`HostState.networks`."""

    id: str
    name: str = ""
    project_id: str = ""
    admin_state_up: bool = True
    #: Its ports in networks inside.
    interfaces: tuple[HostPort, ...] = ()
    #: Its port in the external network.
    gateway: HostPort | None = None
    enable_snat: bool = True
    routes: tuple[HostRoute, ...] = ()
    floating_ips: tuple[HostFloatingIp, ...] = ()
    #: As the books have it.
    status: str = "ACTIVE"

    @property
    def namespace(self) -> str:
        return f"mcrouter-{self.id}"


class HostState(Struct, frozen=True, kw_only=True):
    """All that is to be true of networks on one host."""

    host: str
    networks: tuple[HostNetwork, ...] = ()
    #: The ports of guests bound to this host; also in their networks' :attr:`HostNetwork.ports`.
    ports: tuple[HostPort, ...] = ()
    #: Those of the ports on this host.
    security_groups: tuple[HostSecurityGroup, ...] = ()
    #: Group that a rule names as remote -> all addresses of its members (CIDRs among them, of address pairs).
    members: dict[str, tuple[str, ...]] = {}
    routers: tuple[HostRouter, ...] = ()

    def network(self, network_id: str) -> HostNetwork | None:
        return next((each for each in self.networks if each.id == network_id), None)

    def subnet(self, subnet_id: str) -> HostSubnet | None:
        return next((each for net in self.networks for each in net.subnets if each.id == subnet_id), None)
