# SPDX-License-Identifier: Apache-2.0
"""Which shared libraries a 64-bit little-endian ELF file names; ``elf(5)`` has the format."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRING_TABLE = 1, 5


def needed(data: bytes) -> list[str]:
    """The names in ``DT_NEEDED``; none for a static program.

    :raises ValueError: when it is no such file
    """
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQ", data, table + number * size) for number in range(count)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in headers if kind == _LOAD]
    for kind, _, offset, _, _, length in headers:
        if kind == _DYNAMIC:
            entries = list(_entries(data[offset : offset + length]))
            strings = next(value for tag, value in entries if tag == _STRING_TABLE)
            return [_string(data, _offset(loads, strings) + value) for tag, value in entries if tag == _NEEDED]
    return []


def _entries(data: bytes) -> Iterator[tuple[int, int]]:
    for tag, value in struct.iter_unpack("<QQ", data):
        if tag == 0:
            return
        yield tag, value


def _offset(loads: list[tuple[int, int, int]], address: int) -> int:
    for start, offset, length in loads:
        if start <= address < start + length:
            return address - start + offset
    raise ValueError("its string table is in none of its segments")


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
