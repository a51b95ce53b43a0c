# SPDX-License-Identifier: Apache-2.0
"""``minicloud logs``: the end of the log, and what is added to it."""

from __future__ import annotations

import argparse
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from minicloud.cmd.commands.base import Command, Refused, home

#: Seconds between looks at a log that is followed.
_PACE = 0.25


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of lines")
    return number


class Logs(Command):
    """Print the end of the cloud's log."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("-n", "--lines", type=_count, default=50, help="how many lines (default: 50)")
        parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added, until Ctrl-C")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        path = home(parsed_args).log_file
        try:
            log = path.open("rb")
        except FileNotFoundError:
            raise Refused(f"There is no log at {path}: this cloud was never started.") from None
        with log:
            for line in deque(log, parsed_args.lines):
                self._print(line)
            if parsed_args.follow:
                try:
                    follow(path, log, self._print)
                except KeyboardInterrupt:
                    pass
        return 0

    def _print(self, line: bytes) -> None:
        self.app.stdout.write(line.decode(errors="replace"))
        self.app.stdout.flush()


def follow(path: Path, log: BinaryIO, show: Callable[[bytes], None]) -> None:
    """Show what is added to a log, also after it was turned over; does not return.

    :param log: the log, read to its end
    """
    current = log
    try:
        while True:
            for line in current:
                show(line)
            if _is_replaced(path, current):
                following = path.open("rb")
                if current is not log:
                    current.close()
                current = following
            else:
                time.sleep(_PACE)
    finally:
        if current is not log:
            current.close()


def _is_replaced(path: Path, log: BinaryIO) -> bool:
    """Whether the log at the path is another file by now, or was emptied."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return not os.path.samestat(there, os.fstat(log.fileno())) or there.st_size < log.tell()
