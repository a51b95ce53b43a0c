# SPDX-License-Identifier: Apache-2.0
"""Small numbers for ids: marks of packets and zones of connections have 16 bits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

#: 0 means "none of ours".
_MOST = 0xFFFF


def assign(ids: Iterable[str]) -> dict[str, int]:
    """A number from 1 to 65535 for each id.

    It is the same on every call and in every process, since connections that are tracked already stay in their zone;
    only where two ids fall on one number, the second one's depends on the first being there.

    :raises ValueError: for more ids than there are numbers
    """
    wanted = sorted(set(ids))
    if len(wanted) > _MOST:
        raise ValueError(f"one host cannot tell {len(wanted)} ports or networks apart; {_MOST} are the most")
    taken: dict[int, str] = {}
    for each in wanted:
        number = int.from_bytes(hashlib.sha256(each.encode()).digest()[:4]) % _MOST + 1
        while number in taken:
            number = number % _MOST + 1
        taken[number] = each
    return {each: number for number, each in taken.items()}
