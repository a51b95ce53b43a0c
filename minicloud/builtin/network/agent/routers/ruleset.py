# SPDX-License-Identifier: Apache-2.0
"""A router's translation of addresses: floating addresses, and one address for all who have none."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from minicloud.builtin.network.agent import nftables
from minicloud.builtin.network.agent.nftables import Line, Table
from minicloud.objects.host_network import HostAddress, HostFloatingIp, HostRouter

TABLE = "minicloud"


def table(router: HostRouter) -> Table:
    """The table of a router's namespace. IPv6 is routed as it is, so there is none for it."""
    chains: dict[str, tuple[Line, ...]] = {}
    address = gateway_address(router)
    if router.gateway is not None and address is not None:
        device = nftables.quoted(router.gateway.inner)
        floating = sorted(router.floating_ips, key=lambda each: each.address)
        chains = {
            "prerouting": ("type nat hook prerouting priority -100; policy accept;", *_to_fixed(floating)),
            "postrouting": (
                "type nat hook postrouting priority 100; policy accept;",
                *_out(device, floating, address if router.enable_snat else None),
                *_back(device, floating, address, _inside(router)),
            ),
            "forward": ("type filter hook forward priority 0; policy accept;", *_ended(floating, address)),
        }
    return Table(family="ip", name=TABLE, chains=chains)


def gateway_address(router: HostRouter) -> str | None:
    """The router's own IPv4 address outside."""
    found = _ipv4(router.gateway.addresses) if router.gateway else []
    return _plain(found[0].address) if found else None


def _to_fixed(floating: list[HostFloatingIp]) -> list[Line]:
    return [f"dnat to ip daddr map {_map(floating, inward=True)}"] if floating else []


def _out(device: str, floating: list[HostFloatingIp], address: str | None) -> list[Line]:
    """Who has a floating address is seen by that one, everybody else by the router's."""
    found = [f"oifname {device} snat to ip saddr map {_map(floating, inward=False)}"] if floating else []
    return found if address is None else [*found, f"oifname {device} snat to {address}"]


def _back(device: str, floating: list[HostFloatingIp], address: str, inside: list[str]) -> list[Line]:
    """One guest speaks to another by the other's floating address: answers have to come back this way too."""
    if not floating or not inside:
        return []
    turned = f"oifname != {device} ct status dnat ip saddr {nftables.braces(inside)}"
    return [f"{turned} snat to ip saddr map {_map(floating, inward=False)}", f"{turned} snat to {address}"]


def _ended(floating: list[HostFloatingIp], address: str) -> list[Line]:
    """Connections keep the translation they began with: those by an association that is gone end here."""
    if not floating:
        return ["ct status dnat drop", f"ct status snat ct reply ip daddr != {address} drop"]
    ways = [(_plain(each.address), _plain(each.fixed_address)) for each in floating]
    inward = nftables.braces(f"{outer} . {inner}" for outer, inner in ways)
    outward = nftables.braces(f"{inner} . {outer}" for outer, inner in ways)
    return [
        f"ct status dnat ct original ip daddr . ct reply ip saddr != {inward} drop",
        f"ct status snat ct reply ip daddr != {address} ct original ip saddr . ct reply ip daddr != {outward} drop",
    ]


def _inside(router: HostRouter) -> list[str]:
    networks = [
        ipaddress.ip_network(f"{each.address}/{each.prefix}", strict=False)
        for port in router.interfaces
        for each in _ipv4(port.addresses)
    ]
    return sorted({str(each) for each in networks})


def _map(floating: list[HostFloatingIp], *, inward: bool) -> str:
    ways = [(_plain(each.address), _plain(each.fixed_address)) for each in floating]
    return nftables.braces(f"{outer} : {inner}" if inward else f"{inner} : {outer}" for outer, inner in ways)


def _ipv4(addresses: Iterable[HostAddress]) -> list[HostAddress]:
    return [each for each in addresses if each.version == 4]


def _plain(text: str) -> str:
    """An address; what comes from the books is never pasted in unread."""
    return str(ipaddress.IPv4Address(text))
