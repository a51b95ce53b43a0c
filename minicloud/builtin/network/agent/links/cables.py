# SPDX-License-Identifier: Apache-2.0
"""A port of a namespace: one end of a veth pair inside, the other in the network's bridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from minicloud.builtin.network.agent import iproute
from minicloud.builtin.network.agent.iproute import Command, Link
from minicloud.objects.host_network import HostPort


def plug(
    port: HostPort,
    bridge: str,
    mtu: int,
    namespace: str,
    addresses: Iterable[str],
    outside: Mapping[str, Link] | None = None,
    *,
    is_only: bool = False,
) -> None:
    """Make a port of a namespace what it shall be; what is right already is left alone.

    :param bridge: name of the bridge of its network, which is there
    :param namespace: is there too
    :param addresses: with prefix; others go
    :param outside: the devices of the host as they were a moment ago; default: as they are
    :param is_only: whether the namespace has no other port: then those that are there go
    """
    outside = dict(iproute.links() if outside is None else outside)
    inside = iproute.links(namespace)
    if is_only:
        others = [name for name in inside if name.startswith("mci") and name != port.inner]
        iproute.run([("link", "delete", name) for name in others], namespace)
    if port.outer in outside and port.inner not in inside:
        iproute.run([("link", "delete", port.outer)])  # its other end is somewhere else
        outside.pop(port.outer)
    iproute.run(outer_commands(port, bridge, mtu, namespace, outside))
    there = inside.get(port.inner) or iproute.links(namespace).get(port.inner)
    iproute.run(inner_commands(port, mtu, there, addresses), namespace)


def outer_commands(port: HostPort, bridge: str, mtu: int, namespace: str, present: Mapping[str, Link]) -> list[Command]:
    """What is to be done on the host's side; makes both ends."""
    there = present.get(port.outer)
    found: list[Command] = []
    if there is None:
        end = ("peer", "name", port.inner, "netns", namespace)
        found.append(("link", "add", "name", port.outer, "type", "veth", *end))
    if there is None or there.mtu != mtu:
        found.append(("link", "set", port.outer, "mtu", str(mtu)))
    if there is None or there.master != bridge:
        found.append(("link", "set", port.outer, "master", bridge))
    if there is None or not there.is_up:
        found.append(("link", "set", port.outer, "up"))
    return found


def inner_commands(port: HostPort, mtu: int, there: Link | None, addresses: Iterable[str]) -> list[Command]:
    """What is to be done within the namespace."""
    name, wanted = port.inner, set(addresses)
    held = set(there.addresses) if there else set()
    found: list[Command] = []
    if there is None or there.mac_address != port.mac_address:
        found.append(("link", "set", name, "address", port.mac_address))
    if there is None or there.mtu != mtu:
        found.append(("link", "set", name, "mtu", str(mtu)))
    if there is None or not there.is_up:
        found.append(("link", "set", name, "up"))
    found += [("address", "delete", each, "dev", name) for each in sorted(held - wanted)]
    # Nobody else may have the address, so there is no need to wait for IPv6 to find that out.
    found += [("address", "add", each, "dev", name, *_options(each)) for each in sorted(wanted - held)]
    return found


def _options(address: str) -> tuple[str, ...]:
    return ("nodad",) if ":" in address else ()
