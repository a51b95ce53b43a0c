# SPDX-License-Identifier: Apache-2.0
"""What an interface of a container is given, from what is known of its port."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from minicloud.objects import FixedIp, Vif

#: The address of an interface whose subnet is not known reaches nobody but itself.
_ALONE = {4: 32, 6: 128}

_FAMILY: dict[int, int] = {4: socket.AF_INET, 6: socket.AF_INET6}
_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}

#: Where guests find the metadata service.
METADATA = "169.254.169.254/32"

#: Between the routes of two interfaces to the same place: the one of the earlier interface is taken.
_STEP = 100


class Address(NamedTuple):
    address: str
    prefix: int


class Route(NamedTuple):
    family: int
    to: str
    #: None: the destination is on the link.
    via: str | None
    metric: int


def addresses(vif: Vif) -> list[Address]:
    return [
        Address(fixed.address, _ALONE[fixed.version] if fixed.prefix is None else fixed.prefix)
        for fixed in vif.fixed_ips
    ]


def routes(vif: Vif, place: int, *, metadata_on_link: bool = False) -> list[Route]:
    """Gateways and the subnets' further routes, those first that others go through.

    :param place: of the interface among those of its container; the gateway of the first is the one that is used
    :param metadata_on_link: whether the metadata service answers on the network itself, and not behind a gateway
    """
    metric = place * _STEP
    found = [route for fixed in vif.fixed_ips for route in _of(fixed, metric)]
    has_v4 = any(fixed.version == 4 and fixed.prefix is not None for fixed in vif.fixed_ips)
    if metadata_on_link and has_v4 and METADATA not in {route.to for route in found}:
        found.insert(0, Route(socket.AF_INET, METADATA, None, metric))
    return list(dict.fromkeys(found))


def _of(fixed: FixedIp, metric: int) -> list[Route]:
    told = [Route(_FAMILY[fixed.version], *_plain(to, via), metric) for to, via in fixed.routes]
    default = _DEFAULT[fixed.version]
    if fixed.gateway and default not in {route.to for route in told}:  # a subnet's own default goes first
        told.append(Route(_FAMILY[fixed.version], default, fixed.gateway, metric))
    return sorted(told, key=lambda route: route.via is not None)


def _plain(to: str, via: str) -> tuple[str, str | None]:
    is_on_link = ip_address(via).is_unspecified
    return str(ip_network(to, strict=False)), None if is_on_link else via
