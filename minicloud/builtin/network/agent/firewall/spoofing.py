# SPDX-License-Identifier: Apache-2.0
"""What a guest may send as: its own MAC address and addresses, and those of its allowed address pairs.

It is checked in the bridge, frame by frame, where the device a frame came from is still known.
"""

from __future__ import annotations

import ipaddress

import msgspec

from minicloud.builtin.network.agent import nftables
from minicloud.builtin.network.agent.nftables import Line
from minicloud.objects.host_network import HostPort

#: A guest looks for its first address from here, in ARP (RFC 5227) and in DHCP.
_NOBODY4 = "0.0.0.0"  # nosec B104  # no address to listen on
#: What a host without an address yet sends: router and neighbour solicitations, reports of multicast listeners.
_BEFORE_ADDRESS = "ip6 saddr :: icmpv6 type { 133, 135, 143 } return"
_FOREIGN_SERVERS = (
    "udp sport 67 udp dport 68 drop",  # a DHCP server's answers
    "udp sport 547 udp dport 546 drop",
    "icmpv6 type { 134, 137 } drop",  # router advertisement, redirect
)
_DHCP_CLIENT = f"ip saddr {_NOBODY4} udp sport 68 udp dport 67 return"
#: Frames with a VLAN tag, or in one of the many ways to wrap IP, would pass by all that is said of IP.
ONLY_PLAIN = "ether type != { ip, arp, ip6 } drop"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """All that a port may send as: (MAC address, network), sorted and without overlaps."""

    macs: tuple[str, ...]
    ipv4: tuple[tuple[str, str], ...]
    ipv6: tuple[tuple[str, str], ...]


def identity(port: HostPort) -> Identity:
    """Read it from a port.

    :raises ValueError: for what is no address
    """
    own = nftables.mac(port.mac_address)
    pairs = [(own, nftables.net(each.address)) for each in port.addresses]
    pairs += [
        (nftables.mac(each.mac_address or own), nftables.net(each.ip_address)) for each in port.allowed_address_pairs
    ]
    macs = sorted({own, *(mac for mac, _network in pairs)})
    pairs += [(mac, nftables.net(str(link_local(mac)))) for mac in macs]
    return Identity(macs=tuple(macs), ipv4=_family(pairs, 4), ipv6=_family(pairs, 6))


def link_local(mac: str) -> ipaddress.IPv6Address:
    """The IPv6 address that a host gives itself on a link, made of its MAC address (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 0x02
    return ipaddress.IPv6Address(bytes.fromhex("fe80000000000000") + octets[:3] + b"\xff\xfe" + octets[3:])


def chain(port: HostPort) -> tuple[Line, ...]:
    """The lines that every frame from a port has to pass."""
    known = identity(port)
    return (
        f"ether saddr != {nftables.braces(known.macs)} drop",
        ONLY_PLAIN,
        *_arp(known),
        _DHCP_CLIENT,
        *_FOREIGN_SERVERS,
        _source("ip", known.ipv4),
        _BEFORE_ADDRESS,
        *_neighbour_advertisement(known),
        _source("ip6", known.ipv6),
    )


def _arp(known: Identity) -> list[Line]:
    anyone = [(mac, _NOBODY4) for mac in known.macs]
    everywhere = {mac for mac, network in known.ipv4 if network == f"{_NOBODY4}/0"}
    allowed = [*known.ipv4, *(pair for pair in anyone if pair[0] not in everywhere)]
    return [f"ether type arp arp saddr ether . arp saddr ip != {_pairs(allowed)} drop"]


def _source(header: str, pairs: tuple[tuple[str, str], ...]) -> Line:
    if not pairs:
        return f"ether type {header} drop"
    return f"ether type {header} ether saddr . {header} saddr != {_pairs(pairs)} drop"


def _neighbour_advertisement(known: Identity) -> list[Line]:
    """A guest may say of its own addresses only that they are where it is. The target is the header's bytes 8 to 23."""
    targets = []
    for network in sorted({ipaddress.IPv6Network(each) for _mac, each in known.ipv6}):
        if network.prefixlen == 0:
            return []
        first, last = int(network.network_address), int(network.broadcast_address)
        targets.append(f"{first:#034x}" if first == last else f"{first:#034x}-{last:#034x}")
    return [f"icmpv6 type 136 @th,64,128 != {nftables.braces(targets)} drop"]


def _pairs(pairs: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> str:
    return nftables.braces(f"{mac} . {network}" for mac, network in pairs)


def _family(
    pairs: list[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]], version: int
) -> tuple[tuple[str, str], ...]:
    found = []
    for mac in sorted({mac for mac, _network in pairs}):
        mine = [network for each, network in pairs if each == mac and network.version == version]
        collapsed = ipaddress.collapse_addresses(mine)  # type: ignore[type-var]
        found += [(mac, nftables.spell(network)) for network in collapsed]
    return tuple(found)
