# SPDX-License-Identifier: Apache-2.0
"""Network devices by iproute2: what there is, and commands in one go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from minicloud.builtin.network.agent import privileged

#: One command of ``ip``, without the word "ip": ("link", "set", "mcb0", "up").
Command = tuple[str, ...]

_WORD = re.compile(r"[^\s'\"\\#]+")

#: What the kernel says of a kind of device it does not have.
_UNKNOWN = ("Unknown device type", "Operation not supported", "not supported")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A network device as it is."""

    name: str
    #: bridge, vxlan, veth, tun …; "" for hardware.
    kind: str = ""
    mtu: int = 0
    mac_address: str = ""
    is_up: bool = False
    #: Name of the bridge it is in.
    master: str | None = None
    #: With prefix, such as 192.0.2.1/24; link-local ones are not among them.
    addresses: tuple[str, ...] = ()
    #: What is particular to the kind, by iproute2's names.
    details: dict[str, Any] = {}


def links(namespace: str | None = None) -> dict[str, Link]:
    """All devices of the host or of a namespace, by name."""
    # A namespace may hold a peer of itself, and the list of one without any is an empty text.
    found = json.loads(privileged.run(_ip(namespace, "-json", "-details", "address", "show")) or "[]")
    return {link.name: link for link in map(_link, found)}


def namespaces() -> set[str]:
    """The names of all network namespaces."""
    found = json.loads(privileged.run(["ip", "-json", "netns", "list"]) or "[]")
    return {each["name"] for each in found}


def run(commands: Iterable[Command], namespace: str | None = None) -> None:
    """Run commands in order with one process, up to the first that fails.

    :raises CommandFailed: with the command that failed
    """
    several = list(commands)
    if not several:
        return
    text = "".join(_line(command) for command in several)
    try:
        privileged.run(_ip(namespace, "-batch", "-"), stdin=text)
    except privileged.CommandFailed as error:
        raise privileged.CommandFailed(_explain(str(error), several)) from error


def add_namespace(name: str) -> None:
    """Make a namespace; its loopback device is up."""
    privileged.run(["ip", "netns", "add", name])
    run([("link", "set", "lo", "up")], name)


def delete_namespace(name: str, cables: str) -> None:
    """Remove a namespace; devices that are in it go too.

    :param cables: how the names of those begin that have another end elsewhere
    """
    for device in links(name):
        if device.startswith(cables):
            # Else the other end would stay until the kernel has got round to the namespace.
            run([("link", "delete", device)], name)
    privileged.run(["ip", "netns", "delete", name])


def _ip(namespace: str | None, *words: str) -> list[str]:
    """``ip`` enters a namespace by itself, which takes half the time of ``ip netns exec``."""
    return ["ip", *(("-netns", namespace) if namespace else ()), *words]


def _link(raw: dict[str, Any]) -> Link:
    info = raw.get("linkinfo") or {}
    return Link(
        name=raw["ifname"],
        kind=info.get("info_kind", ""),
        mtu=raw.get("mtu", 0),
        mac_address=raw.get("address", ""),
        is_up="UP" in raw.get("flags", ()),
        master=raw.get("master"),
        addresses=tuple(
            f"{each['local']}/{each['prefixlen']}"
            for each in raw.get("addr_info", ())
            if "local" in each and each.get("scope") != "link"
        ),
        details=info.get("info_data") or {},
    )


def _line(command: Sequence[str]) -> str:
    """A line of a batch; what would be read as more than one word is refused."""
    for word in command:
        if not _WORD.fullmatch(word):
            raise ValueError(f"not a word: {word!r}")
    return " ".join(command) + "\n"


def _explain(error: str, several: Sequence[Command]) -> str:
    """The command a batch failed at, and a kind of device that the kernel lacks by its name."""
    place = re.search(r"Command failed -:(\d+)", error)
    if place is None:
        return error
    command = several[int(place.group(1)) - 1]
    reason = error.partition("-batch -: ")[2].partition("\nCommand failed")[0].strip()
    if "type" in command and any(text in reason for text in _UNKNOWN):
        return f"this kernel has no network devices of type {command[command.index('type') + 1]}: {reason}"
    return f"ip {' '.join(command)}: {reason}"
