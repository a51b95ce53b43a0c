# SPDX-License-Identifier: Apache-2.0
"""What is on this host by names of ours although its network, router or port is in the books no more.

An agent that runs removes it with its next pass; this is for looking from outside, whether one runs or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, privileged
from minicloud.builtin.network.agent.dhcp.part import Dhcp
from minicloud.builtin.network.agent.routers.part import Routers


class Known(NamedTuple):
    """The ids that the books have."""

    networks: Collection[str]
    routers: Collection[str]
    ports: Collection[str]


class Stray(NamedTuple):
    """One namespace or device."""

    name: str
    #: Such as "a bridge of a network that is gone".
    what: str


class _Kind(NamedTuple):
    """How the names of one kind are made, as in :mod:`minicloud.objects.host_network`, and of whose ids."""

    name: re.Pattern[str]
    ids: Callable[[Known], Collection[str]]
    what: str


_SHORT = "([0-9a-f-]{11})"
_LONG = "([0-9a-f-]{36})"

_DEVICES = (
    _Kind(re.compile(f"mcx{_SHORT}"), lambda known: known.networks, "the tunnel of a network that is gone"),
    _Kind(re.compile(f"mch{_SHORT}"), lambda known: known.networks, "the host's way into a network that is gone"),
    _Kind(re.compile(f"mco{_SHORT}"), lambda known: known.ports, "the cable of a port that is gone"),
    # What is in a bridge goes before it.
    _Kind(re.compile(f"mcb{_SHORT}"), lambda known: known.networks, "the bridge of a network that is gone"),
)
_DHCP = _Kind(re.compile(f"mcdhcp-{_LONG}"), lambda known: known.networks, "the DHCP server of a network that is gone")
_ROUTER = _Kind(re.compile(f"mcrouter-{_LONG}"), lambda known: known.routers, "a router that is gone")


def find(conf: cfg.ConfigOpts, look_up: Callable[[], Known]) -> list[Stray]:
    """All of them, in an order in which they can be removed.

    Bridges with devices of guests are left out: those guests come first.

    :param look_up: asks the books; called when the host was looked at, lest something new be taken for lost

    :raises CommandFailed: when the host cannot be looked at
    """
    privileged.configure(conf)
    spaces, links = iproute.namespaces(), iproute.links()
    known = look_up()
    used = {link.master for link in links.values() if link.name.startswith("tap")}
    found = [stray for kind in (_DHCP, _ROUTER) for stray in _of(kind, spaces, known)]
    return found + [stray for kind in _DEVICES for stray in _of(kind, set(links) - used, known)]


def remove(conf: cfg.ConfigOpts, stray: Stray) -> None:
    """Nothing when it is gone: the ends of a cable go together.

    :raises CommandFailed:
    """
    if stray.name in iproute.namespaces():
        (Dhcp(conf) if _DHCP.name.fullmatch(stray.name) else Routers(conf)).remove(stray.name)
    elif stray.name in iproute.links():
        iproute.run([("link", "delete", stray.name)])


def _of(kind: _Kind, names: Collection[str | None], known: Known) -> Iterator[Stray]:
    ids = kind.ids(known)
    for name in sorted(each for each in names if each):
        match = kind.name.fullmatch(name)
        if match and not any(key.startswith(match[1]) for key in ids):
            yield Stray(name, kind.what)
