# SPDX-License-Identifier: Apache-2.0
"""Regular expressions in filters: only those that every database reads alike and matches soon.

SQLite's matching is Python's ``re``, which goes back and forth and holds the interpreter
while it does: one pattern such as ``(a+)+$`` would stop the whole cloud. What is allowed
here takes at most the third power of a name's length.
"""

from __future__ import annotations

import re
from typing import Final

from minicloud import exception

#: Characters of a pattern.
MOST: Final = 255
_POWER: Final = 3
_TOKENS: Final = re.compile(
    r"""(?P<repeat>[*+?]\??)
    |(?P<group>\((?!\?))|(?P<end>\))|(?P<or>\|)|(?P<start>\^)
    |(?P<one>\$|\[\^?\]?(?:\\[^A-Za-z0-9]|\\[dDsSwW](?!-)|[^\]\[\\])*\]|\\[^A-Za-z0-9]|\\[dDsSwW]|[^\\{(\[])""",
    re.VERBOSE | re.DOTALL,
)


def checked(key: str, pattern: str) -> str:
    """The pattern; what is no regular expression at all is taken literally.

    :param key: the query key it came in
    :raises BadRequest: for one that is too long or could take too long
    """
    if len(pattern) > MOST:
        raise exception.BadRequest(f"Invalid filter value for {key}: it is longer than {MOST} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return re.escape(pattern)
    if not _is_quick(pattern):
        raise exception.BadRequest(
            f"Invalid filter value for {key}: {pattern[:80]!r} is not supported. There can be no repeated groups, "
            "counts in braces, look-around or references, and few repetitions."
        )
    return pattern


def _is_quick(pattern: str) -> bool:
    place, depth, power, before = 0, 0, 1, ""
    while place < len(pattern):
        token = _TOKENS.match(pattern, place)
        if token is None or token.lastgroup is None:
            return False
        place = token.end()
        kind = token.lastgroup
        if kind == "repeat":
            # A repeated group may match the same text in exponentially many ways.
            if before in ("", "end", "repeat", "start", "group", "or"):
                return False
            # At the very end it takes all it can, and nothing after it makes it try again.
            power += 0 if pattern[place:] in ("", "$") else 1
        elif kind == "or":
            power = power + 1 if depth else 1
        elif kind == "start" and before in ("", "or") and not depth:
            power -= 1
        depth += {"group": 1, "end": -1}.get(kind, 0)
        before = kind
        if power > _POWER:
            return False
    return True
