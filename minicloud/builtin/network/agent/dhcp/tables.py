# SPDX-License-Identifier: Apache-2.0
"""What dnsmasq reads again without starting anew: who has which address and name, and the options of all.

Names and options come from users: what would not be one word, or one line, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from minicloud.builtin.network.agent.dhcp import subnets
from minicloud.objects.host_network import DhcpOption, HostAddress, HostNetwork, HostPort, HostSubnet

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_OPTION = re.compile(r"[a-z0-9][a-z0-9:-]{0,60}")
_VALUE = re.compile(r"[\x20-\x7e]{0,255}")

#: Classless routes: RFC 3442, and the number that Windows asks for.
_ROUTES = ("option:classless-static-route", "249")


def hostname(port: HostPort, address: HostAddress) -> str:
    """What a port is called, without the domain."""
    if _NAME.fullmatch(port.dns_name):
        return port.dns_name
    return "host-" + address.address.replace(".", "-").replace(":", "-")


def hosts(network: HostNetwork) -> str:
    """``dhcp-hostsfile``: a line for each address."""
    return _text(_hosts(network))


def names(network: HostNetwork) -> str:
    """``addn-hosts``: like /etc/hosts."""
    lines = []
    for port, address in subnets.guests(network):
        name = hostname(port, address)
        lines.append(f"{address.address} {name}.{network.dns_domain} {name}")
    return _text(lines)


def options(network: HostNetwork) -> str:
    """``dhcp-optsfile``: of each subnet, and of ports that have some of their own."""
    lines: list[str] = []
    for subnet, address in subnets.served(network):
        of_subnet = _ipv4(network, subnet, address) if subnet.ip_version == 4 else _ipv6(network, subnet, address)
        lines += [f"tag:{subnets.tag(subnet)},{line}" for line in of_subnet]
    for port in {port.id: port for port, _address in subnets.guests(network)}.values():
        lines += [f"tag:{_tag(port)},{_option(each)}" for each in _usable(port)]
    return _text(lines)


def _hosts(network: HostNetwork) -> Iterator[str]:
    for port, address in subnets.guests(network):
        own = f"set:{_tag(port)}," if _usable(port) else ""
        shown = f"[{address.address}]" if address.version == 6 else address.address
        yield f"{port.mac_address},{own}{shown},{hostname(port, address)}"


def _ipv4(network: HostNetwork, subnet: HostSubnet, address: HostAddress) -> Iterator[str]:
    servers = [each for each in subnet.dns_nameservers if each != "0.0.0.0"]  # nosec B104  # "none", in Neutron's words
    if not subnet.dns_nameservers:
        servers = [address.address]
    yield ",".join(["option:dns-server", *servers])
    # An option without a value is one that dnsmasq would otherwise make up.
    yield f"option:router,{subnet.gateway_ip}" if subnet.gateway_ip else "option:router"
    pairs = [(subnets.METADATA, address.address)]
    pairs += [(route.destination, route.nexthop) for route in subnet.host_routes]
    if subnet.gateway_ip:
        # Who heeds these routes heeds no other gateway.
        pairs.append(("0.0.0.0/0", subnet.gateway_ip))
    routes = ",".join(f"{destination},{nexthop}" for destination, nexthop in pairs)
    yield from (f"{option},{routes}" for option in _ROUTES)
    yield f"option:mtu,{network.mtu}"
    yield f"option:domain-name,{network.dns_domain}"


def _ipv6(network: HostNetwork, subnet: HostSubnet, address: HostAddress) -> Iterator[str]:
    servers = subnet.dns_nameservers or (address.address,)
    yield ",".join(["option6:dns-server", *(f"[{each}]" for each in servers)])
    yield f"option6:domain-search,{network.dns_domain}"


def _tag(port: HostPort) -> str:
    return f"port-{port.id}"


def _usable(port: HostPort) -> list[DhcpOption]:
    return [each for each in port.dhcp_options if _OPTION.fullmatch(each.name) and _VALUE.fullmatch(each.value)]


def _option(option: DhcpOption) -> str:
    name = option.name
    if ":" not in name and not name.isdigit():
        name = f"{'option6' if option.version == 6 else 'option'}:{name}"
    return f"{name},{option.value}"


def _text(lines: Iterator[str] | list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
