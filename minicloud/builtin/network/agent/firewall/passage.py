# SPDX-License-Identifier: Apache-2.0
"""A way through a host's own firewall, where that drops whatever it does not know.

Docker, for one, has iptables drop all that a host forwards, and what bridges carry may count as that.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import privileged
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostState

_PROGRAMS = ("iptables", "ip6tables")
#: By it ours are known.
_COMMENT = ("-m", "comment", "--comment", "minicloud")

#: Whether a rule is for masquerading only, and the rule. What guests may do is decided elsewhere, and before.
_RULES: tuple[tuple[bool, tuple[str, ...]], ...] = (
    (False, ("-i", "mcb+", "-m", "physdev", "--physdev-is-bridged", *_COMMENT, "-j", "ACCEPT")),
    (True, ("-i", "mch+", *_COMMENT, "-j", "ACCEPT")),
    (True, ("-o", "mch+", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", *_COMMENT, "-j", "ACCEPT")),
)


class Passage(Part):
    """Touches the chain FORWARD only where its policy is to drop, and only for bridges and cables of ours."""

    name: ClassVar[str] = "passage"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._masquerades: bool = conf.network.masquerade_public

    def apply(self, state: HostState) -> None:
        rules = [rule for for_masquerade, rule in _RULES if self._masquerades or not for_masquerade]
        for program in _PROGRAMS:
            if shutil.which(program) is not None:
                said = _forward(program)
                drops = "-P FORWARD DROP" in said
                _settle(program, said, rules if drops and state.networks else [])

    def clean(self) -> None:
        for program in _PROGRAMS:
            if shutil.which(program) is not None:
                _settle(program, _forward(program), [])


def _forward(program: str) -> list[str]:
    """The chain's policy and rules; none where the kernel has no such firewall, which then drops nothing either."""
    try:
        return privileged.run([program, "-w", "-S", "FORWARD"]).splitlines()
    except CommandFailed:
        return []


def _settle(program: str, said: list[str], wanted: Sequence[Sequence[str]]) -> None:
    """Have just these rules of ours, before all others."""
    marked = [shlex.split(line)[2:] for line in said if "--comment minicloud " in line]
    if len(marked) == len(wanted):
        return
    for present in marked:
        privileged.run([program, "-w", "-D", "FORWARD", *present])
    for rule in reversed(wanted):
        privileged.run([program, "-w", "-I", "FORWARD", *rule])
