# SPDX-License-Identifier: Apache-2.0
"""The little language of extra specs: scopes, operators, versions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,  # by tradition "=" means "at least"
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s>=": operator.ge,
    "s>": operator.gt,
    "s<=": operator.le,
    "s<": operator.lt,
    "<in>": operator.contains,
}
_Version = tuple[int, ...]
_VERSION = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*([\d.]+)\s*")
_COMPARE: dict[str, Callable[[_Version, _Version], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def scoped(extra_specs: Mapping[str, str], scope: str) -> Iterator[tuple[str, str]]:
    """(key without its scope, value) of the extra specs of a scope and of those without any."""
    for key, value in extra_specs.items():
        first, colon, rest = key.partition(":")
        if not colon:
            yield key, value
        elif first == scope:
            yield rest, value


def matches(value: str, wanted: str) -> bool:
    """Whether a value meets ``<operator> <operand> …``; without an operator both must be equal."""
    words = wanted.split()
    first, operands = (words[0], words[1:]) if words else ("", [])
    if first == "<or>":
        return any(value == word for word in operands if word != "<or>")
    if first == "<all-in>":
        return all(word in value for word in operands)
    if first in _STRINGS:
        return bool(operands) and _STRINGS[first](value, operands[0])
    if first in _NUMBERS:
        try:
            return _NUMBERS[first](float(value), float(operands[0]))
        except (ValueError, IndexError):
            return False
    return value == wanted


def satisfies_version(version: int, wanted: str) -> bool:
    """Whether a hypervisor's version (1002003 is 1.2.3) meets ``>=1.2, <2``."""
    have = (version // 1_000_000, version // 1000 % 1000, version % 1000)
    for part in wanted.split(","):
        match = _VERSION.fullmatch(part)
        if match is None:
            return False
        numbers = [int(number) for number in match[2].split(".") if number][:3]
        if not _COMPARE[match[1]](have, tuple(numbers + [0] * (3 - len(numbers)))):
            return False
    return True


def lowest(values: Iterable[str], default: int) -> int:
    """The least of the numbers among some texts; the default when there is none."""
    return min((int(value) for value in values if value.isascii() and value.isdigit()), default=default)
