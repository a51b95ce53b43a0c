# SPDX-License-Identifier: Apache-2.0
"""The screen of a fake guest: a terminal of 80 by 25 letters, over the remote framebuffer protocol.

Version 3.8 (RFC 6143) without a password, in the raw encoding, with keys and without a pointer.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from minicloud.virt.fake import font
from minicloud.virt.fake.terminal import Terminal

COLUMNS: Final = 80
ROWS: Final = 25
WIDTH: Final = COLUMNS * font.WIDTH
HEIGHT: Final = ROWS * font.HEIGHT

_VERSION: Final = b"RFB 003.008\n"
_NO_PASSWORD: Final = 1

#: 8, 16 or 32 bits a pixel; depth; big-endian; true colour; maxima and shifts of red, green and blue.
_FORMAT: Final = struct.Struct(">BBBBHHHBBB3x")
_NATIVE: Final = (32, 24, 0, 1, 255, 255, 255, 16, 8, 0)

_INK: Final = (0xD0, 0xD0, 0xD0)
_PAPER: Final = (0x10, 0x14, 0x1A)

#: Seconds after which a terminal that others write to is looked at again.
_PACE: Final = 0.1

#: Bytes of a clipboard that is looked at (and ignored); who sends more is hung up on.
_CLIPBOARD: Final = 1 << 20

#: X11's symbols of keys -> what they type.
_KEYS: Final = {0xFF08: "\b", 0xFF0D: "\r", 0xFF8D: "\r"}
_CONTROL: Final = (0xFFE3, 0xFFE4)
_ALT: Final = (0xFFE9, 0xFFEA)
_DELETE: Final = (0xFFFF, 0xFF9F)


def serve(connection: socket.socket, terminal: Terminal) -> None:
    """Speak with one viewer until it leaves.

    :raises ConnectionError: when it leaves in the middle of something
    :raises ValueError: when it says what makes no sense
    """
    _greet(connection, terminal.name)
    viewer = _Viewer(connection, terminal)
    while True:
        viewer.draw()
        if select.select((connection,), (), (), _PACE)[0] and not viewer.hear():
            return


def _greet(connection: socket.socket, name: str) -> None:
    connection.sendall(_VERSION)
    version = _take(connection, len(_VERSION))
    if not version.startswith(b"RFB 003."):
        raise ValueError(f"not a viewer: {version!r}")
    if version < b"RFB 003.007\n":
        connection.sendall(struct.pack(">L", _NO_PASSWORD))
    else:
        connection.sendall(bytes((1, _NO_PASSWORD)))
        if _take(connection, 1)[0] != _NO_PASSWORD:
            raise ValueError("there are no passwords here")
        if version >= _VERSION:
            connection.sendall(struct.pack(">L", 0))
    _take(connection, 1)  # whether others may watch: they may
    title = name.encode()[:60]
    connection.sendall(
        struct.pack(">HH", WIDTH, HEIGHT) + _FORMAT.pack(*_NATIVE) + struct.pack(">L", len(title)) + title
    )


def _take(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the viewer left")
        data += more
    return bytes(data)


@dataclass(slots=True)
class _Viewer:
    """What one viewer has been told, and how it wants its pixels."""

    connection: socket.socket
    terminal: Terminal
    #: The rows it has; None: it has not got one yet.
    shown: list[str | None] = field(default_factory=lambda: [None] * ROWS)
    is_waiting: bool = False
    pressed: set[int] = field(default_factory=set)
    #: Eight dots as a byte -> as pixels.
    pixels: list[bytes] = field(default_factory=lambda: _pixels(_NATIVE))

    def draw(self) -> None:
        """Send the rows that have changed, if the viewer asked for them."""
        if not self.is_waiting:
            return
        rows = _rows(self.terminal)
        changed = [number for number, row in enumerate(rows) if row != self.shown[number]]
        if not changed:
            return
        parts = [struct.pack(">BxH", 0, len(changed))]
        for number in changed:
            parts.append(struct.pack(">HHHHl", 0, number * font.HEIGHT, WIDTH, font.HEIGHT, 0))
            parts.extend(self._dots(rows[number]))
            self.shown[number] = rows[number]
        self.is_waiting = False
        self.connection.sendall(b"".join(parts))

    def _dots(self, row: str) -> Iterator[bytes]:
        letters = [_CURSOR if letter == "\0" else font.glyph(letter) for letter in row]
        for line in range(font.HEIGHT):
            for letter in letters:
                yield self.pixels[letter[line]]

    def hear(self) -> bool:
        """One message of the viewer; whether it is still there."""
        kind = self.connection.recv(1)
        if not kind:
            return False
        if kind[0] == 0:
            self.pixels = _pixels(_FORMAT.unpack(_take(self.connection, 19)[3:]))
            self.shown = [None] * ROWS
        elif kind[0] == 2:
            (count,) = struct.unpack(">xH", _take(self.connection, 3))
            _take(self.connection, 4 * count)  # every viewer knows the raw encoding
        elif kind[0] == 3:
            only_changes = _take(self.connection, 9)[0]
            self.is_waiting = True
            if not only_changes:
                self.shown = [None] * ROWS
        elif kind[0] == 4:
            down, key = struct.unpack(">BxxL", _take(self.connection, 7))
            self._press(key, bool(down))
        elif kind[0] == 5:
            _take(self.connection, 5)
        elif kind[0] == 6:
            (length,) = struct.unpack(">xxxl", _take(self.connection, 7))
            if abs(length) > _CLIPBOARD:
                raise ValueError("a clipboard too large")
            _take(self.connection, abs(length))
        else:
            raise ValueError(f"message {kind[0]} is not known")
        return True

    def _press(self, key: int, down: bool) -> None:
        if not down:
            self.pressed.discard(key)
            return
        self.pressed.add(key)
        controls, alts = self.pressed.intersection(_CONTROL), self.pressed.intersection(_ALT)
        if controls and alts and key in _DELETE:
            self.terminal.note("input: Ctrl-Alt-Del (a fake guest takes no notice)")
        elif controls:
            if key in (ord("c"), ord("C")):
                self.terminal.type("\x03")
        elif text := _KEYS.get(key, chr(key) if 32 <= key < 127 else ""):
            self.terminal.type(text)


#: The letter that stands where the next one will be.
_CURSOR: Final = bytes(font.HEIGHT - 3) + b"\xff\xff\x00"


def _rows(terminal: Terminal) -> list[str]:
    """The rows of the screen, all of its width; NUL is the cursor."""
    lines = terminal.lines(ROWS, COLUMNS)
    lines[-1] = f"{lines[-1][: COLUMNS - 1]}\0"
    lines += [""] * (ROWS - len(lines))
    return [line.ljust(COLUMNS) for line in lines]


def _pixels(wanted: tuple[int, ...]) -> list[bytes]:
    """
    :param wanted: the fields of a pixel format
    :raises ValueError: for one that is not true colour
    """
    bits, _, is_big, is_true_colour, *rest = wanted
    if bits not in (8, 16, 32) or not is_true_colour or max(rest[3:]) > 31:
        raise ValueError(f"{bits} bits a pixel and a palette of its own are not for this screen")

    used = sum(most << shift for most, shift in zip(rest[:3], rest[3:], strict=True))
    # Some viewers take the bits that mean nothing for opacity.
    rest_of_bits = ((1 << bits) - 1) & ~used

    def pixel(colour: tuple[int, int, int]) -> bytes:
        value = sum(part * most // 255 << shift for part, most, shift in zip(colour, rest[:3], rest[3:], strict=True))
        return ((value | rest_of_bits) & ((1 << bits) - 1)).to_bytes(bits // 8, "big" if is_big else "little")

    ink, paper = pixel(_INK), pixel(_PAPER)
    return [b"".join(ink if dots >> bit & 1 else paper for bit in range(7, -1, -1)) for dots in range(256)]
