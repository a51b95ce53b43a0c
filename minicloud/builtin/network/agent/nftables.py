# SPDX-License-Identifier: Apache-2.0
"""Tables of nftables that are ours alone: replaced whole and at once, and recognised when they are there already.

A ruleset is the text of some tables. It is handed to the kernel as one transaction, so that no packet meets half of
it; nobody else's table is read or written. The text's digest is kept in the table as the name of an empty chain:
who comes later, also another process, sees without a comparison that the table is as it should be.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shutil
from collections.abc import Iterable, Sequence

import msgspec

from minicloud.builtin.network.agent import privileged
from minicloud.builtin.network.agent.privileged import CommandFailed

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")

Line = str
Chain = tuple[str, Sequence[Line]]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table: its family, its name, and what is in it."""

    family: str
    name: str
    #: name -> its lines; sets come before chains, since chains speak of them.
    sets: dict[str, tuple[Line, ...]] = {}
    chains: dict[str, tuple[Line, ...]] = {}


def text(tables: Sequence[Table]) -> str:
    """A transaction that makes these tables what they are here, whatever they were before."""
    mark = _digest(tables)
    return "".join(_table(table, mark) for table in tables)


def is_applied(tables: Sequence[Table], namespace: str | None = None) -> bool:
    """Whether the kernel has just these tables already."""
    mark = _digest(tables)
    return all(_has(["chain", table.family, table.name, mark], namespace) for table in tables)


def apply(tables: Sequence[Table], namespace: str | None = None) -> bool:
    """Make it so, if it is not.

    :returns: whether something had to be done
    :raises CommandFailed: with what the kernel or nft does not take; all is as before then
    """
    if is_applied(tables, namespace):
        return False
    privileged.run(["nft", "-f", "-"], namespace, stdin=text(tables))
    return True


def remove(names: Iterable[tuple[str, str]], namespace: str | None = None) -> None:
    """Remove tables by family and name, where they are. Where nft is not installed, none of ours can be."""
    if shutil.which("nft") is None:
        return
    there = [f"delete table {family} {name}\n" for family, name in names if _has(["table", family, name], namespace)]
    if there:
        privileged.run(["nft", "-f", "-"], namespace, stdin="".join(there))


def lacks(snippet: str, namespace: str | None = None) -> bool:
    """Whether nft or the kernel refuses some tables; nothing is changed.

    :param snippet: the text of tables by names that nobody has
    """
    try:
        privileged.run(["nft", "--check", "-f", "-"], namespace, stdin=snippet)
    except CommandFailed:
        return True
    return False


# --- words -------------------------------------------------------------------------------------


def quoted(device: str) -> str:
    """The name of a device as nft reads it.

    :raises ValueError: when it is none; what comes from the books is never pasted in unread
    """
    if not _WORD.fullmatch(device):
        raise ValueError(f"not the name of a device: {device!r}")
    return f'"{device}"'


def identifier(text: str) -> str:
    """An id as part of the name of a set or chain."""
    if not _WORD.fullmatch(text):
        raise ValueError(f"not an id: {text!r}")
    return text.replace("-", "")


def mac(text: str) -> str:
    """A MAC address in lower case.

    :raises ValueError: when it is none
    """
    lower = text.lower()
    if not _MAC.fullmatch(lower):
        raise ValueError(f"not a MAC address: {text!r}")
    return lower


def net(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a CIDR.

    :raises ValueError: when it is none
    """
    return ipaddress.ip_network(text, strict=False)


def spell(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """A network, or the address if there is only one in it."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def braces(elements: Iterable[str]) -> str:
    """An anonymous set or map."""
    return "{ " + ", ".join(elements) + " }"


# --- text --------------------------------------------------------------------------------------


def _table(table: Table, mark: str) -> str:
    # "delete" fails for what is not there, so the table is made first; all of it is one transaction.
    head = f"table {table.family} {table.name}\ndelete table {table.family} {table.name}\n"
    blocks = [_block("set", name, lines) for name, lines in table.sets.items()]
    blocks += [_block("chain", name, lines) for name, lines in table.chains.items()]
    blocks.append(_block("chain", mark, ()))
    return f"{head}table {table.family} {table.name} {{\n{''.join(blocks)}}}\n"


def _block(kind: str, name: str, lines: Iterable[Line]) -> str:
    return f"\t{kind} {name} {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n"


def _digest(tables: Sequence[Table]) -> str:
    return "digest_" + hashlib.sha256(msgspec.json.encode(list(tables))).hexdigest()[:32]


def _has(what: Sequence[str], namespace: str | None) -> bool:
    try:
        privileged.run(["nft", "list", *what], namespace)
    except CommandFailed as error:
        if "No such file or directory" in str(error):
            return False
        raise
    return True
