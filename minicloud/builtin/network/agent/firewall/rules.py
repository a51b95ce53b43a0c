# SPDX-License-Identifier: Apache-2.0
"""A rule of a security group as a match of nftables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from minicloud.builtin.network.agent import nftables
from minicloud.builtin.network.agent.nftables import Line
from minicloud.builtin.network.protocols import PROTOCOLS
from minicloud.objects.host_network import HostRule

_ICMP = {"IPv4": 1, "IPv6": 58}
_NFPROTO = {"IPv4": "ipv4", "IPv6": "ipv6"}
_HEADER = {"IPv4": "ip", "IPv6": "ip6"}
#: The field with the other side's address.
_REMOTE = {"ingress": "saddr", "egress": "daddr"}


def match(rule: HostRule) -> Line:
    """What a packet must be for a rule to let it through; ends with the verdict.

    :raises ValueError: for a rule that the books should not have taken
    """
    return " ".join([*_family(rule), *_protocol(rule), "return"])


def set_name(group_id: str, ethertype: str) -> str:
    """The set with the addresses of a group's members, of one family."""
    return f"members{'4' if ethertype == 'IPv4' else '6'}_{nftables.identifier(group_id)}"


def member_sets(rules: Iterable[HostRule], members: Mapping[str, Iterable[str]]) -> dict[str, tuple[Line, ...]]:
    """The sets that some rules speak of, by name."""
    wanted = {(rule.remote_group_id, rule.ethertype) for rule in rules if rule.remote_group_id}
    return {set_name(group_id, family): _set(family, members.get(group_id, ())) for group_id, family in sorted(wanted)}


def _family(rule: HostRule) -> list[str]:
    header = f"{_HEADER[rule.ethertype]} {_REMOTE[rule.direction]}"
    if rule.remote_group_id is not None:
        return [header, f"@{set_name(rule.remote_group_id, rule.ethertype)}"]
    if rule.remote_ip_prefix is not None:
        network = nftables.net(rule.remote_ip_prefix)
        if network.prefixlen:
            return [header, nftables.spell(network)]
    return ["meta nfproto", _NFPROTO[rule.ethertype]]


def _protocol(rule: HostRule) -> list[str]:
    number = _number(rule)
    if number is None:
        return []
    found = ["meta l4proto", str(number)]
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return found
    if number == _ICMP[rule.ethertype]:
        return found + _icmp("icmp" if number == 1 else "icmpv6", low, high)
    first = int(low if low is not None else high or 0)
    last = int(high if high is not None else first)
    return [*found, "th dport", str(first) if first == last else f"{first}-{last}"]


def _number(rule: HostRule) -> int | None:
    """The protocol's number; None for any. "icmp" means that of the rule's own family."""
    if rule.protocol is None:
        return None
    number = PROTOCOLS[rule.protocol] if rule.protocol in PROTOCOLS else int(rule.protocol)
    if number in _ICMP.values():
        return _ICMP[rule.ethertype]
    return number or None


def _icmp(name: str, kind: int | None, code: int | None) -> list[str]:
    found = [] if kind is None else [f"{name} type", str(int(kind))]
    return found if code is None else [*found, f"{name} code", str(int(code))]


def _set(ethertype: str, addresses: Iterable[str]) -> tuple[Line, ...]:
    networks = [net for net in map(nftables.net, addresses) if net.version == (4 if ethertype == "IPv4" else 6)]
    # The kernel refuses ranges that overlap: those within others, and doubles, are left out.
    distinct = [nftables.spell(each) for each in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]
    lines = [f"type {'ipv4_addr' if ethertype == 'IPv4' else 'ipv6_addr'}", "flags interval"]
    return (*lines, f"elements = {nftables.braces(distinct)}") if distinct else tuple(lines)
