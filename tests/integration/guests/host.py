# SPDX-License-Identifier: Apache-2.0
"""What there is on this machine of the kinds that a cloud makes: a cloud that is gone leaves it as it was."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: kind -> a command that lists what there is of it, a line each
_LISTS = {
    "link": ["ip", "-o", "link"],
    "namespace": ["ip", "netns"],
    "IPv4 rule": ["iptables-save"],
    "IPv6 rule": ["ip6tables-save"],
    "route": ["ip", "route"],
}


def inventory() -> set[str]:
    """Everything, as lines that begin with their kind."""
    return {line for kind, command in _LISTS.items() for line in _lines(kind, command)} | _processes()


def _lines(kind: str, command: list[str]) -> set[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {f"{kind}: {_stable(kind, line)}" for line in done.stdout.splitlines() if not line.startswith("#")}


def _stable(kind: str, line: str) -> str:
    """A line without counters, and without what the kernel changes by itself."""
    if kind == "link":
        return line.split(": ")[1]
    return line.partition(" [")[0] if line.startswith(":") else line.strip()


def _processes() -> set[str]:
    """The programs that clouds start, of this mount namespace: those of others are none of ours."""
    found = set()
    here = os.readlink("/proc/self/ns/mnt")
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            name = comm.read_text().strip()
            if name in ("dnsmasq", "qemu-system-x86") and os.readlink(comm.parent / "ns" / "mnt") == here:
                found.add(f"process: {name} {comm.parent.name}")
        except OSError:
            continue  # it ended just now
    return found
