# SPDX-License-Identifier: Apache-2.0
"""Which address a port gets.

The books hold only addresses that are taken. A free one is found by reading those in order,
from a remembered place on, until there is a gap; a unique key decides when two find the same
gap, and the one that lost tries again among random gaps (:mod:`.db.transaction`).
"""

from __future__ import annotations

import ipaddress
import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import Connection, addresses
from minicloud.builtin.network.entities import Address, Subnet

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Cidr = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Rows read at first, and at most, while looking for a gap.
FIRST_WINDOW, LAST_WINDOW = 64, 4096
#: Gaps among which one that lost a race chooses.
CHOICES = 64


class Wish(msgspec.Struct, frozen=True):
    """One entry of ``fixed_ips``: in this subnet, or this very address, or both."""

    subnet_id: str | None = None
    address: str | None = None


def cidr(subnet: Subnet) -> Cidr:
    return ipaddress.ip_network(subnet.cidr)


def default_pools(network: Cidr, gateway: str | None) -> list[dict[str, str]]:
    """All of a subnet but its first and last address and its gateway."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.num_addresses > 2:
        first, last = first + 1, last - (1 if network.version == 4 else 0)
    ranges = [(first, last)]
    if gateway is not None and first <= (middle := int(ipaddress.ip_address(gateway))) <= last:
        ranges = [(first, middle - 1), (middle + 1, last)]
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return [{"start": str(kind(low)), "end": str(kind(high))} for low, high in ranges if low <= high]


def eui64(network: Cidr, mac: str) -> str:
    """The address a host makes itself of its MAC address (RFC 4291, appendix A)."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    tail = int.from_bytes(bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]]), "big")
    return str(ipaddress.IPv6Address(int(network.network_address) | tail))


class Allocator:
    """Hands out addresses; remembers per subnet from where on to look."""

    def __init__(self) -> None:
        self._hints: dict[str, int] = {}
        self._lock = threading.Lock()

    def released(self, freed: Iterable[Address]) -> None:
        """Look here again: addresses that were given back."""
        with self._lock:
            for each in freed:
                number = int(ipaddress.ip_address(each.address))
                if number < self._hints.get(each.subnet_id, 0):
                    self._hints[each.subnet_id] = number

    def allocate(
        self,
        conn: Connection,
        subnets: Sequence[Subnet],
        port: tuple[str, str],
        wishes: Sequence[Wish] | None,
        *,
        tried: int = 0,
    ) -> list[Address]:
        """Take addresses for a port.

        :param subnets: all of the port's network
        :param port: its id and MAC address
        :param wishes: what was asked for; None gives one address per family, as there are subnets
        :param tried: how often this transaction lost a race
        :raises IpAddressGenerationFailure: when the subnets are full
        :raises IpAddressAlreadyAllocated, InvalidIpForNetwork, InvalidIpForSubnet: for a wish
        """
        port_id, mac = port
        if wishes is None:
            chosen = self._unasked(conn, subnets, mac, tried)
        else:
            chosen = [self._wished(conn, subnets, mac, wish, tried) for wish in wishes]
        found = [Address(subnet_id=subnet.id, address=address, port_id=port_id) for subnet, address in chosen]
        addresses.add(conn, found)
        return found

    def _unasked(self, conn: Connection, subnets: Sequence[Subnet], mac: str, tried: int) -> list[tuple[Subnet, str]]:
        chosen = []
        for version in (4, 6):
            pooled = [subnet for subnet in subnets if subnet.ip_version == version and not subnet.by_mac]
            for subnet in pooled:
                if (address := self.free(conn, subnet, tried)) is not None:
                    chosen.append((subnet, address))
                    break
            else:
                if pooled:
                    raise exception.IpAddressGenerationFailure(network_id=pooled[0].network_id)
        return chosen + [(subnet, eui64(cidr(subnet), mac)) for subnet in subnets if subnet.by_mac]

    def _wished(
        self, conn: Connection, subnets: Sequence[Subnet], mac: str, wish: Wish, tried: int
    ) -> tuple[Subnet, str]:
        subnet = subnet_for(subnets, wish)
        if wish.address is not None:
            address = str(ipaddress.ip_address(wish.address))
            if addresses.holder(conn, subnet.id, address) is not None:
                raise exception.IpAddressAlreadyAllocated(address=address, subnet_id=subnet.id)
            return subnet, address
        if subnet.by_mac:
            return subnet, eui64(cidr(subnet), mac)
        found = self.free(conn, subnet, tried)
        if found is None:
            raise exception.IpAddressGenerationFailure(network_id=subnet.network_id)
        return subnet, found

    def free(self, conn: Connection, subnet: Subnet, tried: int = 0) -> str | None:
        """Choose a free address of a subnet's pools; None when they are full."""
        found = self._search(conn, subnet, 1 if tried == 0 else CHOICES)
        if not found:
            return None
        number = random.choice(found)
        with self._lock:
            self._hints[subnet.id] = number + 1
        return str(ipaddress.IPv4Address(number) if subnet.ip_version == 4 else ipaddress.IPv6Address(number))

    def has_room(self, conn: Connection, subnet: Subnet) -> bool:
        """Whether a subnet's pools have a free address."""
        return bool(self._search(conn, subnet, 1))

    def _search(self, conn: Connection, subnet: Subnet, wanted: int) -> list[int]:
        found: list[int] = []
        for low, high in _ranges(subnet, self._hints.get(subnet.id, 0)):
            found += _gaps(conn, subnet.id, low, high, wanted - len(found))
            if len(found) >= wanted:
                break
        return found


def subnet_for(subnets: Sequence[Subnet], wish: Wish) -> Subnet:
    """The subnet a wish means.

    :raises InvalidInput, InvalidIpForNetwork, InvalidIpForSubnet: when there is none
    """
    candidates = [subnet for subnet in subnets if wish.subnet_id in (None, subnet.id)]
    if not candidates:
        raise exception.InvalidInput(reason=f"Subnet {wish.subnet_id} is not on the port's network")
    if wish.address is None:
        return candidates[0]
    address = ipaddress.ip_address(wish.address)
    for subnet in candidates:
        if usable(cidr(subnet), address):
            return subnet
    if wish.subnet_id is not None:
        raise exception.InvalidIpForSubnet(address=wish.address)
    raise exception.InvalidIpForNetwork(address=wish.address)


def usable(network: Cidr, address: Ip) -> bool:
    """Whether a host may have the address in a network: not the network's own, not its broadcast."""
    if address not in network:
        return False
    if network.num_addresses <= 2:
        return True
    return address != network.network_address and (network.version == 6 or address != network.broadcast_address)


def _ranges(subnet: Subnet, hint: int) -> Iterator[tuple[int, int]]:
    """The pools from the hint on, then what lies before it."""
    pools = [
        (int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"])))
        for pool in subnet.allocation_pools
    ]
    yield from ((max(low, hint), high) for low, high in pools if high >= hint)
    yield from ((low, min(high, hint - 1)) for low, high in pools if low < hint)


def _gaps(conn: Connection, subnet_id: str, low: int, high: int, wanted: int) -> list[int]:
    """The lowest free numbers within bounds, at most so many."""
    found: list[int] = []
    window = FIRST_WINDOW
    while low <= high and len(found) < wanted:
        taken = addresses.taken(conn, subnet_id, low, high, window)
        # Behind the last row nothing is taken, unless the window was too small to tell.
        bounds: list[Any] = [*taken] if len(taken) == window else [*taken, high + 1]
        for number in bounds:
            found.extend(range(low, min(number, low + wanted - len(found))))
            low = number + 1
            if len(found) >= wanted:
                break
        window = min(window * 2, LAST_WINDOW)
    return found
