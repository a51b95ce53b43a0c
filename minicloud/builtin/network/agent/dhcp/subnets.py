# SPDX-License-Identifier: Apache-2.0
"""A network as its DHCP server sees it."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud.objects.host_network import HostAddress, HostNetwork, HostPort, HostSubnet

#: Where guests ask for metadata; the DHCP server's namespace answers there too.
METADATA = "169.254.169.254/32"

_ROUTER = "network:router_interface"


def tag(subnet: HostSubnet) -> str:
    """By which dnsmasq tells a subnet from the others."""
    return f"subnet-{subnet.id}"


def served(network: HostNetwork) -> list[tuple[HostSubnet, HostAddress]]:
    """The subnets that the server has an address in, with that address."""
    held = {each.subnet_id: each for each in network.dhcp_port.addresses} if network.dhcp_port else {}
    return [(subnet, held[subnet.id]) for subnet in network.subnets if subnet.enable_dhcp and subnet.id in held]


def guests(network: HostNetwork) -> Iterator[tuple[HostPort, HostAddress]]:
    """Who is served what: the ports that are not the service's own, with each address in a served subnet."""
    inside = {subnet.id for subnet, _address in served(network)}
    for port in network.ports:
        if not port.device_owner.startswith("network:"):
            yield from ((port, address) for address in port.addresses if address.subnet_id in inside)


def has_router(network: HostNetwork, subnet: HostSubnet) -> bool:
    """Whether a router is in a subnet, which then does its own advertisements."""
    return any(
        port.device_owner == _ROUTER and any(address.subnet_id == subnet.id for address in port.addresses)
        for port in network.ports
    )


def is_announced(network: HostNetwork) -> bool:
    """Whether the server has to announce IPv6 prefixes, since no router does."""
    subnets = [subnet for subnet, _address in served(network) if subnet.ip_version == 6]
    modes = [subnet for subnet in subnets if subnet.ipv6_ra_mode or subnet.ipv6_address_mode]
    return bool(modes) and not any(has_router(network, subnet) for subnet in subnets)
