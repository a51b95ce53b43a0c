# SPDX-License-Identifier: Apache-2.0
"""``minicloud``: a cloud on this machine, started, watched and removed with one word each.

Starting must feel instant, so a command's module is imported only when that command runs
and the list of commands is a table here.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import Any

from cliff import app, commandmanager

#: What starts this program again, for the cloud in the background.
PROGRAM = (sys.executable, "-P", "-m", "minicloud.cmd.cli")

#: command -> module and class, one line about it
COMMANDS = {
    "up": ("minicloud.cmd.commands.up:Up", "start the cloud"),
    "down": ("minicloud.cmd.commands.down:Down", "stop the cloud; nothing is lost"),
    "status": ("minicloud.cmd.commands.status:Status", "show what runs, a row per service"),
    "logs": ("minicloud.cmd.commands.logs:Logs", "print the cloud's log"),
    "explain": ("minicloud.cmd.commands.explain:Explain", "tell why a server is on its host, or on none"),
    "doctor": ("minicloud.cmd.doctor.command:Doctor", "find what is lost or left behind, and mend it with --fix"),
    "image build-guest": (
        "minicloud.cmd.commands.image.build_guest:BuildGuest",
        "make a small real guest, and an image of it",
    ),
    "tempest-config": ("minicloud.cmd.commands.tempest:TempestConfig", "write the tempest.conf of the running cloud"),
    "reset": ("minicloud.cmd.commands.reset:Reset", "remove the cloud and everything in it"),
}
_BUILT_IN = {
    "help": "tell more about a command",
    "complete": "print the completion of commands and options for bash",
}


class _Entry:
    """A command that is imported when it is asked for."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def load(self) -> Any:
        module, _, attribute = self.value.partition(":")
        return getattr(importlib.import_module(module), attribute)


class _Commands(commandmanager.CommandManager):
    def _load_commands(self) -> None:
        # Only what load() and the name are read from: see cliff's EntryPointWrapper.
        self.commands.update({name: _Entry(name, value) for name, (value, _) in COMMANDS.items()})  # type: ignore[misc]


class _Help(argparse.Action):
    """The options and the table of commands, without importing any."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        parser.print_help()
        print("\ncommands:")
        for name, line in {**{name: line for name, (_, line) in COMMANDS.items()}, **_BUILT_IN}.items():
            print(f"  {name:<17} {line}")
        print("\n'minicloud help COMMAND' has the options of a command.")
        parser.exit()


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from importlib import metadata  # reads the disk, and hardly anybody asks

        try:
            print("minicloud", metadata.version("minicloud"))
        except metadata.PackageNotFoundError:
            print("minicloud (not installed)")
        parser.exit()


def _is_option(word: str) -> bool:
    return word.startswith("-")


class Minicloud(app.App):
    """The command line."""

    NAME = "minicloud"

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        """
        :param program: what starts this program again, to which a command is added
        """
        self.program = tuple(program)
        super().__init__("An OpenStack compute cloud on this machine.", "", _Commands())

    def run(self, argv: list[str]) -> int:
        """``COMMAND --help`` is ``help COMMAND``: cliff would take it for the program's own ``--help``."""
        command = list(takewhile(lambda word: not _is_option(word), dropwhile(_is_option, argv)))
        if command and not {"-h", "--help"}.isdisjoint(argv):
            argv = ["help", *command]
        return int(super().run(argv))

    def build_option_parser(self, description: Any, version: Any, argparse_kwargs: Any = None) -> Any:
        parser = argparse.ArgumentParser(prog=self.NAME, description=description, add_help=False)
        parser.add_argument("-h", "--help", action=_Help, nargs=0, help="show this and exit")
        parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
        parser.add_argument("--debug", action="store_true", help="show where in the code an error comes from")
        # Read by cliff; the cloud's own log has its options in the configuration.
        parser.set_defaults(verbose_level=1, log_file=None)
        return parser

    def configure_logging(self) -> None:
        # Results go to stdout; of the rest only what is wrong is worth a line.
        console = logging.StreamHandler(self.stderr)
        console.setLevel(logging.WARNING)
        console.setFormatter(logging.Formatter("%(message)s"))
        logging.getLogger().addHandler(console)

    def interact(self) -> None:
        self.parser.parse_args(["--help"])


def main(argv: Sequence[str] | None = None, program: Sequence[str] = PROGRAM) -> int:
    """
    :param argv: arguments; those of the process when None
    :param program: see :class:`Minicloud`
    :returns: the exit code
    """
    return Minicloud(program).run(list(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
