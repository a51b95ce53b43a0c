# SPDX-License-Identifier: Apache-2.0
"""What the firewall needs of a kernel, tried before it is relied upon, and named when it is not there."""

from __future__ import annotations

from pathlib import Path

from minicloud.builtin.network.agent import nftables, privileged
from minicloud.builtin.network.agent.privileged import CommandFailed

#: There once the kernel's bridges can show their packets to the firewall of IP.
BRIDGE_NETFILTER = Path("/proc/sys/net/bridge")

_CHAIN = "table {family} minicloud_probe {{ chain probe {{ {hook}; {rule}; }}; }}"
_BRIDGE = "type filter hook forward priority 0"
_INET = "type filter hook forward priority 0"
_RAW = "type filter hook prerouting priority -300"

#: (what is tried, family, hook, rule)
_PROBES = (
    ("nftables in bridges (NF_TABLES_BRIDGE)", "bridge", _BRIDGE, 'iifname "probe0" accept'),
    ("marks in bridges", "bridge", _BRIDGE, "meta mark set meta mark or 0x1"),
    ("address ranges beside MAC addresses (nft_set_pipapo, Linux 5.6)", "bridge", _BRIDGE,
     "ether saddr . ip saddr != { 02:00:00:00:00:01 . 192.0.2.0/24 } drop"),
    ("nftables of the family inet (NF_TABLES_INET)", "inet", _INET, "accept"),
    ("connection tracking (NFT_CT)", "inet", _INET, "ct direction reply ct state established accept"),
    ("zones of connections (NF_CONNTRACK_ZONES)", "inet", _RAW, 'ct zone set iifname map { "probe0" : 1 }'),
)  # fmt: skip


def missing() -> list[str]:
    """What this host lacks; empty when all is there."""
    found = [] if has_bridge_netfilter() else ["firewall of bridged packets (module br_netfilter)"]
    for title, family, hook, rule in _PROBES:
        if nftables.lacks(_CHAIN.format(family=family, hook=hook, rule=rule)):
            found.append(title)
    return found


def has_bridge_netfilter() -> bool:
    """Whether bridged packets can be filtered by connection; loads the module if there is one."""
    if not BRIDGE_NETFILTER.exists():
        try:
            privileged.run(["modprobe", "br_netfilter"])
        except CommandFailed:
            return False
    return BRIDGE_NETFILTER.exists()
