# SPDX-License-Identifier: Apache-2.0
"""dnsmasq.conf(5) for a router's IPv6 advertisements: they must come from the address that guests are to send to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from minicloud.builtin.network.agent.dhcp.config import Files
from minicloud.objects.host_network import HostPort, HostRouter, HostState, HostSubnet

#: Seconds between two advertisements, and for which a guest believes in the router.
_INTERVAL, _LIFETIME = 60, 1800

#: How guests get their addresses -> dnsmasq's word for it.
_MODES = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}


def text(router: HostRouter, state: HostState, files: Files) -> str | None:
    """The configuration; None: there is nothing to advertise."""
    several = list(_advertised(router, state))
    if not several:
        return None
    lines = [
        "no-hosts",
        "no-resolv",
        "port=0",
        "leasefile-ro",
        f"pid-file={files.pid}",
        f"log-facility={files.log}",
        "quiet-ra",
        "quiet-dhcp6",
        "except-interface=lo",
        "bind-dynamic",
        "enable-ra",
        # Addresses are the DHCP server's to hand out: here nobody is known, and who is not known gets no answer.
        "dhcp-ignore=tag:!known",
    ]
    for device, mtu in sorted({(port.inner, mtu) for port, _subnet, mtu in several}):
        lines += [f"interface={device}", f"ra-param={device},mtu:{mtu},{_INTERVAL},{_LIFETIME}"]
    for _port, subnet, _mtu in several:
        cidr = ipaddress.IPv6Network(subnet.cidr)
        lines.append(f"dhcp-range={cidr.network_address},{_MODES[_mode(subnet)]},{cidr.prefixlen}")
    return "".join(f"{line}\n" for line in lines)


def _advertised(router: HostRouter, state: HostState) -> Iterator[tuple[HostPort, HostSubnet, int]]:
    """The subnets that a router is to advertise, each with its port there and the network's MTU."""
    for port in router.interfaces:
        network = state.network(port.network_id)
        for address in port.addresses:
            subnet = state.subnet(address.subnet_id)
            if network and subnet and address.version == 6 and _mode(subnet) in _MODES:
                yield port, subnet, network.mtu


def _mode(subnet: HostSubnet) -> str:
    """Who has no mode for advertisements has some other router for that."""
    return subnet.ipv6_ra_mode or ""
