# SPDX-License-Identifier: Apache-2.0
"""The firewall of a host as two tables: one sees frames and devices, one sees connections.

The kernel's bridge knows from which device to which a frame goes, but need not know connections; the hooks of IP know
connections, but of a bridged packet only the bridge. So the first table checks who sends and writes into the packet's
mark which of our ports it comes from (upper half) and goes to (lower half); the second reads the mark and decides.
The mark is gone when the packet leaves the second table.

A packet in the direction in which a connection was opened is held against the rules every time, and only answers pass
because the connection is known. So a rule taken away ends what it had let through at the next packet.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from minicloud.builtin.network.agent import nftables
from minicloud.builtin.network.agent.firewall import numbers, rules, spoofing
from minicloud.builtin.network.agent.nftables import Line, Table
from minicloud.objects.host_network import HostPort, HostRule, HostSecurityGroup, HostState

TABLE = "minicloud"
#: Family and name of both tables.
NAMES = (("bridge", TABLE), ("inet", TABLE))

#: Neighbour discovery and reports of multicast listeners: without them there is no IPv6 at all.
_NEIGHBOURS = "135, 136"
_ALWAYS_OUT = (
    "meta nfproto ipv4 udp sport 68 udp dport 67 return",  # DHCP
    "meta nfproto ipv6 udp sport 546 udp dport 547 return",
    f"icmpv6 type {{ 131, 132, 133, {_NEIGHBOURS}, 143 }} return",
)
_ALWAYS_IN = (
    "meta nfproto ipv4 udp sport 67 udp dport 68 return",
    "meta nfproto ipv6 udp sport 547 udp dport 546 return",
    f"icmpv6 type {{ 130, 131, 132, 134, {_NEIGHBOURS}, 143 }} return",
)
_KNOWN = (
    "ct direction reply ct state established return",
    "ct state related return",
    "ct state invalid drop",
)


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """A port with port security, and what its groups say."""

    port: HostPort
    number: int
    is_stateful: bool
    rules: tuple[HostRule, ...]


def guarded(state: HostState) -> list[Guarded]:
    """The ports of a host that have a firewall, by id."""
    groups = {group.id: group for group in state.security_groups}
    ports = sorted((port for port in state.ports if port.port_security_enabled), key=lambda port: port.id)
    marks = numbers.assign(port.id for port in ports)
    return [_guard(port, marks[port.id], groups) for port in ports]


def tables(state: HostState) -> tuple[Table, Table]:
    """What the kernel shall have."""
    ports = guarded(state)
    return _frames(state, ports), _connections(state, ports)


def bridges(state: HostState) -> dict[str, str]:
    """The bridges with guarded ports: network's id -> bridge's name."""
    wanted = {port.network_id for port in state.ports if port.port_security_enabled}
    return {network.id: network.bridge for network in state.networks if network.id in wanted}


def _guard(port: HostPort, number: int, groups: Mapping[str, HostSecurityGroup]) -> Guarded:
    # A group that is not told of lets nothing through: better closed than open.
    mine = [groups[key] for key in port.security_groups if key in groups]
    return Guarded(
        port=port,
        number=number,
        is_stateful=any(group.stateful for group in mine) or not mine,
        rules=tuple(rule for group in mine for rule in group.rules),
    )


# --- frames ------------------------------------------------------------------------------------


def _frames(state: HostState, ports: list[Guarded]) -> Table:
    devices = sorted(port.devname for port in state.ports)
    chains: dict[str, tuple[Line, ...]] = {}
    for each in ports:
        chains[f"spoof_{each.number}"] = spoofing.chain(each.port)
        chains[f"to_{each.number}"] = (spoofing.ONLY_PLAIN, f"meta mark set meta mark or {each.number:#x}")
    classify = ("meta mark set 0", *_senders(ports), *_vmap("oifname", ports, "to"))
    chains |= {
        "classify": classify,
        "prerouting": (_hook("prerouting", -300), *_vmap("iifname", ports, "spoof")),
        # What comes out of a cable or tunnel of ours gets its mark here too, so that none comes from elsewhere.
        "forward": (
            _hook("forward", -200),
            'iifname "mc*" goto classify',
            *_of(devices, "iifname", "classify"),
            *_of(devices, "oifname", "classify"),
        ),
        # The host itself is no neighbour: it meets guests by a cable of its own or not at all.
        "input": (_hook("input", -200), *_of(devices, "iifname")),
        "output": (_hook("output", -200), *_of(devices, "oifname")),
    }
    return Table(family="bridge", name=TABLE, chains=chains)


def _senders(ports: list[Guarded]) -> list[Line]:
    marks = [f"{nftables.quoted(each.port.devname)} : {each.number << 16:#x}" for each in ports]
    return [f"meta mark set iifname map {nftables.braces(marks)}"] if marks else []


def _vmap(field: str, ports: list[Guarded], chain: str) -> list[Line]:
    jumps = [f"{nftables.quoted(each.port.devname)} : jump {chain}_{each.number}" for each in ports]
    return [f"{field} vmap {nftables.braces(jumps)}"] if jumps else []


def _of(devices: list[str], field: str, chain: str | None = None) -> list[Line]:
    if not devices:
        return []
    verdict = f"goto {chain}" if chain else "drop"
    return [f"{field} {nftables.braces(map(nftables.quoted, devices))} {verdict}"]


# --- connections -------------------------------------------------------------------------------


def _connections(state: HostState, ports: list[Guarded]) -> Table:
    names = {network.id: network.bridge for network in state.networks}
    zones = numbers.assign(names)
    chains: dict[str, tuple[Line, ...]] = {}
    for each in ports:
        chains[f"from_{each.number}"] = _verdicts(each, "egress", _ALWAYS_OUT)
        chains[f"to_{each.number}"] = _verdicts(each, "ingress", _ALWAYS_IN)
    chains["bridged"] = (
        *_marked(ports, 0xFFFF0000, 16, "from"),
        *_marked(ports, 0x0000FFFF, 0, "to"),
        "meta mark set 0",
    )
    inside = list(map(nftables.quoted, sorted(bridges(state).values())))
    chains["forward"] = (
        _hook("forward", -10),
        *([f"iifname {nftables.braces(inside)} goto bridged"] if inside else ()),
    )
    # A zone for each network, before connections are tracked: networks of two projects may have the same addresses.
    places = [f"{nftables.quoted(names[key])} : {zones[key]}" for key in sorted(names)]
    zoned = [f"ct zone set iifname map {nftables.braces(places)}"] if places else []
    chains["zones"] = (_hook("prerouting", -300), *zoned)
    said = [rule for each in ports for rule in each.rules]
    return Table(family="inet", name=TABLE, sets=rules.member_sets(said, state.members), chains=chains)


def _verdicts(guard: Guarded, direction: str, always: tuple[Line, ...]) -> tuple[Line, ...]:
    allowed = sorted({rules.match(rule) for rule in guard.rules if rule.direction == direction})
    return (*(_KNOWN if guard.is_stateful else ()), *always, *allowed, "drop")


def _marked(ports: list[Guarded], mask: int, shift: int, chain: str) -> list[Line]:
    jumps = [f"{each.number << shift:#x} : jump {chain}_{each.number}" for each in ports]
    return [f"meta mark and {mask:#010x} vmap {nftables.braces(jumps)}"] if jumps else []


def _hook(name: str, priority: int) -> Line:
    return f"type filter hook {name} priority {priority}; policy accept;"
