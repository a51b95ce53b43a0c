# SPDX-License-Identifier: Apache-2.0
"""What a fake guest shows, and what it answers to those who type: a log-in and a very small shell.

The serial line and the screen of a guest show the same terminal, as ``console=tty0
console=ttyS0`` would have it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

#: Characters that are kept for those who connect later.
_KEPT: Final = 64 * 1024

#: Characters of a line that is being typed.
_LONGEST: Final = 1024

_HELP: Final = "echo, exit, help, hostname, id, uname: this is all that a fake guest knows."
_PROMPT: Final = "# "


class Terminal:
    """One guest's; thread-safe."""

    def __init__(self, name: str, history: Callable[[], str]) -> None:
        """
        :param name: the guest's host name
        :param history: all that the guest has written by itself
        """
        self.name = name
        self._history = history
        self._lock = threading.Lock()
        self._seen = ""
        self._text = ""
        #: How much has been dropped from the beginning of the text.
        self._dropped = 0
        self._line = ""
        self._user = ""
        self._look()

    def read(self, position: int) -> tuple[str, int]:
        """What is new since a position, and the position after it. The first position is 0."""
        with self._lock:
            self._look()
            begin = max(0, position - self._dropped)
            return self._text[begin:], self._dropped + len(self._text)

    def lines(self, rows: int, columns: int) -> list[str]:
        """The last lines, as on a screen: long ones go on in the next row."""
        with self._lock:
            self._look()
            lines = _without_backspaces(self._text[-2 * rows * columns :]).split("\n")
        wrapped = [line[at : at + columns] for line in lines for at in range(0, max(1, len(line)), columns)]
        return wrapped[-rows:]

    def type(self, text: str) -> None:
        """Keys that somebody presses: printable ones, return, backspace and Control-C."""
        with self._lock:
            self._look()
            for key in text.replace("\r\n", "\r"):
                self._press(key)

    def note(self, text: str) -> None:
        """Write a line as the kernel would, in between."""
        with self._lock:
            self._write(f"\n{text}\n{self._prompt()}{self._line}")

    def _press(self, key: str) -> None:
        if key in "\r\n":
            self._write("\n")
            line, self._line = self._line, ""
            self._enter(line.strip())
        elif key in "\b\x7f":
            if self._line:
                self._line = self._line[:-1]
                self._write("\b \b")
        elif key == "\x03":
            self._line = ""
            self._write("^C\n" + self._prompt())
        elif key.isprintable() and key.isascii() and len(self._line) < _LONGEST:
            self._line += key
            self._write(key)

    def _enter(self, line: str) -> None:
        if not self._user:
            self._user = line
            self._write(f"Welcome to {self.name}. Nobody checks passwords here; try help.\n" if line else "")
        elif line == "exit":
            self._user = ""
            self._write("\n")
        elif line:
            self._write(self._run(line) + "\n")
        self._write(self._prompt())

    def _prompt(self) -> str:
        return _PROMPT if self._user else f"{self.name} login: "

    def _run(self, line: str) -> str:
        command, _, rest = line.partition(" ")
        answers = {
            "echo": rest.strip(),
            "help": _HELP,
            "hostname": self.name,
            "id": f"uid=0({self._user}) gid=0(root)",
            "uname": "Linux",
        }
        return answers.get(command, f"-sh: {command}: not found")

    def _look(self) -> None:
        """Take over what the guest has written since."""
        now = self._history()
        if now == self._seen:
            return
        begin = len(self._seen) if now.startswith(self._seen) else 0
        added, self._seen = now[begin:], now
        self._line = self._user = ""
        self._write(("\n" if self._text else "") + added.lstrip("\n") + " ")

    def _write(self, text: str) -> None:
        self._text += text
        if len(self._text) > 2 * _KEPT:
            self._dropped += len(self._text) - _KEPT
            self._text = self._text[-_KEPT:]


def _without_backspaces(text: str) -> str:
    kept: list[str] = []
    for letter in text:
        if letter != "\b":
            kept.append(letter)
        elif kept:
            kept.pop()
    return "".join(kept)
