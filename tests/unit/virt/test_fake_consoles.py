# SPDX-License-Identifier: Apache-2.0
"""The serial lines and screens of fake guests, as a viewer finds them."""

from __future__ import annotations

import socket
import struct
import time

from minicloud.virt.driver import Order
from minicloud.virt.fake import FakeDriver, screen
from minicloud.virt.fake.terminal import Terminal
from tests.unit.virt.test_fake import FakeTest


def read_until(line: socket.socket, wanted: bytes, seconds: float = 10.0) -> bytes:
    """What a line says up to something wanted."""
    text, deadline = b"", time.monotonic() + seconds
    while wanted not in text:
        assert time.monotonic() < deadline, f"{wanted!r} is not in {text!r}"
        data = line.recv(4096)
        assert data, f"ended before {wanted!r}: {text!r}"
        text += data
    return text


def exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        assert more, "ended"
        data += more
    return data


class ConsolesTest(FakeTest):
    def setUp(self) -> None:
        super().setUp()
        self.fake: FakeDriver = self.driver()
        self.addCleanup(self.fake.cleanup_host)
        self.guest: Order = self.order()
        self.fake.spawn(self.guest)  # type: ignore[arg-type]

    def connect(self, kind: str) -> socket.socket:
        ask = self.fake.serial_console if kind == "serial" else self.fake.vnc_console
        address = ask(self.guest.instance)
        line = socket.create_connection((address.host, address.port), timeout=10)
        self.addCleanup(line.close)
        return line


class SerialLine(ConsolesTest):
    def test_a_shell_answers(self) -> None:
        line = self.connect("serial")
        self.assertIn(b"=== boot 1 finished ===\r\n", read_until(line, b"web login: "))
        line.sendall(b"root\r")
        read_until(line, b"\r\n# ")
        line.sendall(b"echo hello  wrld\x7f\x7f\x7forld\r")
        self.assertIn(b"\r\nhello  world\r\n# ", read_until(line, b"\r\n# "))
        line.sendall(b"\xff\xfe\x00rm -rf /\x03")
        self.assertIn(b"^C", read_until(line, b"# "))
        line.sendall(b"nonsense\r")
        self.assertIn(b"nonsense: not found", read_until(line, b"\r\n# "))
        line.sendall(b"exit\r")
        read_until(line, b"web login: ")

    def test_all_see_the_same_and_a_reboot(self) -> None:
        first, second = self.connect("serial"), self.connect("serial")
        read_until(first, b"login: ")
        first.sendall(b"someone")
        read_until(second, b"login: someone")
        self.fake.reboot(self.guest, hard=True)
        for line in (first, second):
            read_until(line, b"=== boot 2 finished ===")

    def test_too_many_are_refused(self) -> None:
        lines = [self.connect("serial") for _ in range(9)]
        self.assertEqual(b"", lines[-1].recv(1))
        read_until(lines[0], b"login: ")

    def test_nothing_listens_unless_asked(self) -> None:
        self.assertEqual({}, self.fake._consoles._listeners)


class Screen(ConsolesTest):
    def greet(self, version: bytes = b"RFB 003.008\n") -> socket.socket:
        line = self.connect("vnc")
        self.assertEqual(b"RFB 003.008\n", exactly(line, 12))
        line.sendall(version)
        if version > b"RFB 003.007":
            self.assertEqual(b"\x01\x01", exactly(line, 2))
            line.sendall(b"\x01")
        self.assertEqual(4, len(exactly(line, 4)))
        line.sendall(b"\x01")
        width, height = struct.unpack(">HH", exactly(line, 4))
        self.assertEqual((640, 400), (width, height))
        exactly(line, 16)
        (length,) = struct.unpack(">L", exactly(line, 4))
        self.assertEqual(b"web", exactly(line, length))
        return line

    def update(self, line: socket.socket, *, changes: bool, size: int = 4) -> dict[int, bytes]:
        """Rows that are drawn anew, by their place."""
        line.sendall(struct.pack(">BBHHHH", 3, changes, 0, 0, 640, 400))
        kind, count = struct.unpack(">BxH", exactly(line, 4))
        self.assertEqual(0, kind)
        rows = {}
        for _ in range(count):
            _, y, width, height, encoding = struct.unpack(">HHHHl", exactly(line, 12))
            self.assertEqual((640, 16, 0), (width, height, encoding))
            rows[y // 16] = exactly(line, width * height * size)
        return rows

    def press(self, line: socket.socket, *keys: int, down: bool = True) -> None:
        for key in keys:
            line.sendall(struct.pack(">BBxxL", 4, down, key))

    def test_it_shows_letters_and_then_what_changes(self) -> None:
        line = self.greet()
        rows = self.update(line, changes=False)
        self.assertEqual(25, len(rows))
        self.assertGreater(len(set(rows.values())), 10)
        colours = {row[at : at + 4] for row in rows.values() for at in range(0, len(row), 4)}
        self.assertEqual({bytes((0xD0, 0xD0, 0xD0, 255)), bytes((0x1A, 0x14, 0x10, 255))}, colours)
        self.press(line, ord("r"))
        self.assertEqual(1, len(self.update(line, changes=True)))

    def test_keys_reach_the_shell(self) -> None:
        line, serial = self.greet(), self.connect("serial")
        read_until(serial, b"login: ")
        self.press(line, *map(ord, "root"), 0xFF0D, *map(ord, "echo abcx"), 0xFF08, 0xFF0D)
        self.assertIn(b"\r\nabc\r\n", read_until(serial, b"abc\r\n# "))
        self.press(line, 0xFFE3, 0xFFE9, 0xFFFF)
        self.press(line, 0xFFE3, 0xFFE9, 0xFFFF, down=False)
        read_until(serial, b"Ctrl-Alt-Del")

    def test_other_pixels(self) -> None:
        line = self.greet(b"RFB 003.003\n")
        line.sendall(b"\0\0\0\0" + struct.pack(">BBBBHHHBBB3x", 16, 16, 1, 1, 31, 63, 31, 11, 5, 0))
        line.sendall(struct.pack(">BxHll", 2, 2, 0, 7) + struct.pack(">BBHH", 5, 1, 3, 4))
        line.sendall(struct.pack(">Bxxxl", 6, 5) + b"hello")
        rows = self.update(line, changes=False, size=2)
        self.assertEqual(2, len({row[at : at + 2] for row in rows.values() for at in range(0, len(row), 2)}))

    def test_nonsense_is_hung_up_on(self) -> None:
        for what in (
            b"\xee",
            b"\0\0\0\0" + struct.pack(">BBBBHHHBBB3x", 8, 8, 0, 0, 7, 7, 3, 0, 3, 6),
            struct.pack(">Bxxxl", 6, 1 << 30),
        ):
            line = self.greet()
            line.sendall(what)
            self.assertEqual(b"", line.recv(1))
        line = self.connect("vnc")
        exactly(line, 12)
        line.sendall(b"GET / HTTP/1")
        self.assertEqual(b"", line.recv(1))


class Letters(FakeTest):
    def test_long_lines_go_on_below(self) -> None:
        terminal = Terminal("web", lambda: "a" * 85 + "\nb")
        self.assertEqual(["a" * 80, "a" * 5, "b "], terminal.lines(25, 80))
        self.assertEqual(["b "], terminal.lines(1, 80))

    def test_a_terminal_forgets_the_oldest(self) -> None:
        terminal = Terminal("web", lambda: "x\n" * 200_000 + "end")
        text, position = terminal.read(0)
        self.assertLess(len(text), 200_000)
        self.assertTrue(text.endswith("end "))
        self.assertEqual(("", position), terminal.read(position))

    def test_every_row_has_a_place_for_the_cursor(self) -> None:
        for text in ("", "x" * 80, "x\n" * 30):
            rows = screen._rows(Terminal("web", lambda text=text: text))  # type: ignore[misc]
            self.assertEqual(({80}, 25, 1), ({len(row) for row in rows}, len(rows), "".join(rows).count("\0")))
