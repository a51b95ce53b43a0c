# SPDX-License-Identifier: Apache-2.0
"""The agent's part that keeps the firewall."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, nftables
from minicloud.builtin.network.agent.firewall import features, ruleset
from minicloud.builtin.network.agent.iproute import Command
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostState

_OURS = re.compile(r"mcb[0-9a-f-]{11}")

#: What a bridge has to be told so that the firewall sees its packets. The switch for all bridges of the host,
#: net.bridge.bridge-nf-call-iptables, is not ours to turn.
_SEEN = ("nf_call_iptables", "nf_call_ip6tables")


class Firewall(Part):
    """Comes after the bridges and before whatever sends packets."""

    name: ClassVar[str] = "firewall"
    guards: ClassVar[bool] = True

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._is_able = False

    def apply(self, state: HostState) -> None:
        guarded = set(ruleset.bridges(state).values())
        if guarded:
            self._check()
        if state.ports:
            self._keep(state)
        else:
            nftables.remove(ruleset.NAMES)
        present = iproute.links()
        if absent := guarded - set(present):
            raise CommandFailed(f"there is no bridge {', '.join(sorted(absent))} to guard")
        iproute.run(switch(present, [(name, name in guarded) for name in present if _OURS.fullmatch(name)]))

    def clean(self) -> None:
        nftables.remove(ruleset.NAMES)
        present = iproute.links()
        iproute.run(switch(present, [(name, False) for name in present if _OURS.fullmatch(name)]))

    def _keep(self, state: HostState) -> None:
        try:
            nftables.apply(ruleset.tables(state))
        except CommandFailed as error:
            raise _explained(error) from error

    def _check(self) -> None:
        """Without it nothing would fail, and nothing be guarded."""
        if not self._is_able and not features.has_bridge_netfilter():
            raise CommandFailed("this kernel has no firewall of bridged packets (module br_netfilter)")
        self._is_able = True


def switch(present: dict[str, iproute.Link], wanted: Iterable[tuple[str, bool]]) -> list[Command]:
    """Show some bridges' packets to the firewall, and those of others not."""
    found: list[Command] = []
    for name, is_seen in wanted:
        details = present[name].details
        for switch_name in _SEEN:
            if bool(details.get(switch_name)) != is_seen:
                found.append(("link", "set", "dev", name, "type", "bridge", switch_name, "1" if is_seen else "0"))
    return found


def _explained(error: CommandFailed) -> CommandFailed:
    lacking = features.missing()
    return CommandFailed(f"this host lacks {', '.join(lacking)}: {error}") if lacking else error
