# SPDX-License-Identifier: Apache-2.0
"""dnsmasq.conf(5) of one network: what makes it start anew when it changes."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import msgspec

from minicloud.builtin.network.agent.dhcp import subnets
from minicloud.objects.host_network import HostNetwork, HostSubnet

#: Seconds between two router advertisements.
_INTERVAL = 60

#: Most leases; beyond what the subnets could need, so that dnsmasq's own limit of 1000 does not hold.
_LEASES = 65536


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of one network's server are."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "dnsmasq.conf"

    @property
    def hosts(self) -> Path:
        return self.folder / "hosts"

    @property
    def options(self) -> Path:
        return self.folder / "options"

    @property
    def names(self) -> Path:
        return self.folder / "names"

    @property
    def pid(self) -> Path:
        return self.folder / "pid"

    @property
    def log(self) -> Path:
        return self.folder / "log"


def text(network: HostNetwork, files: Files, upstream: Sequence[str], lease: int) -> str:
    """
    :param upstream: addresses of name servers for all names that are not of the cloud
    :param lease: seconds an address is promised for
    """
    assert network.dhcp_port is not None
    lines = [
        # Nothing of the host's own.
        "no-hosts",
        "no-resolv",
        "leasefile-ro",
        f"pid-file={files.pid}",
        f"log-facility={files.log}",
        "quiet-dhcp",
        "quiet-dhcp6",
        "quiet-ra",
        # This network only.
        f"interface={network.dhcp_port.inner}",
        "except-interface=lo",
        "bind-dynamic",
        # Every address is known beforehand.
        "dhcp-authoritative",
        "no-ping",
        f"dhcp-lease-max={_LEASES}",
        f"dhcp-hostsfile={files.hosts}",
        f"dhcp-optsfile={files.options}",
        # Names.
        f"addn-hosts={files.names}",
        f"domain={network.dns_domain}",
        f"local=/{network.dns_domain}/",
        *(f"server={address}" for address in upstream),
    ]
    is_announced = subnets.is_announced(network)
    if is_announced:
        # A lifetime of 0: it announces prefixes and is nobody's router.
        lines += ["enable-ra", f"ra-param={network.dhcp_port.inner},mtu:{network.mtu},{_INTERVAL},0"]
    for subnet, _address in subnets.served(network):
        lines += _ranges(subnet, lease, is_announced)
    return "".join(f"{line}\n" for line in lines)


def _ranges(subnet: HostSubnet, lease: int, is_announced: bool) -> list[str]:
    cidr = ipaddress.ip_network(subnet.cidr)
    start = f"dhcp-range=set:{subnets.tag(subnet)},{cidr.network_address}"
    if isinstance(cidr, ipaddress.IPv4Network):
        return [f"{start},static,{cidr.netmask},{lease}"]
    kind = _ipv6(subnet, is_announced)
    return [f"{start},{kind},{cidr.prefixlen},{lease}"] if kind else []


def _ipv6(subnet: HostSubnet, is_announced: bool) -> str | None:
    """dnsmasq's word for how hosts of an IPv6 subnet get their addresses; None: not from it."""
    mode = subnet.ipv6_address_mode or subnet.ipv6_ra_mode
    if mode == "dhcpv6-stateful":
        return "static"
    if mode == "dhcpv6-stateless":
        return "ra-stateless" if is_announced else "static"
    if mode == "slaac" and is_announced:
        return "ra-only"
    return None
