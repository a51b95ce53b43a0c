# SPDX-License-Identifier: Apache-2.0
"""The commands of ``minicloud-manage`` as a table, and the parser made of it."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

_HERE = "minicloud.cmd.manage"


class Argument(NamedTuple):
    """One option or argument; ``options`` are those of argparse."""

    flags: tuple[str, ...]
    options: dict[str, Any]


class Command(NamedTuple):
    """``run`` is ``module:function`` in this package, imported when the command runs."""

    run: str
    help: str
    arguments: tuple[Argument, ...] = ()


def _argument(*flags: str, **options: Any) -> Argument:
    """Options of two words are understood with a hyphen and with an underscore."""
    twins = [flag.translate({ord("_"): "-"}) for flag in flags if "_" in flag]
    twins += ["--" + flag[2:].replace("-", "_") for flag in flags if "-" in flag[2:]]
    return Argument((*flags, *twins), options)


def _switch(flag: str, text: str) -> Argument:
    return _argument(flag, action="store_true", help=text)


_VERSION = _argument("version", nargs="?", metavar="VERSION", help="a version of its history (default: the newest)")
_SERVICE = _argument("service", nargs="?", choices=("identity", "image", "network"), help="only this one")
_NAME = _argument("--name", help="what people call the cell")
_TRANSPORT = _argument("--transport-url", metavar="URL", help="where its conductor and computes meet")
_DATABASE = _argument("--database_connection", metavar="URL", help="its database")
_CELL = _argument("--cell_uuid", required=True, metavar="UUID", help="the cell")
_MAYBE_CELL = _argument("--cell_uuid", metavar="UUID", help="only this cell")
_VERBOSE = _switch("--verbose", "tell what is done")

COMMANDS: dict[str, tuple[str, dict[str, Command]]] = {
    "db": (
        "the databases of this configuration's cell and of cell0",
        {
            "sync": Command(
                "schema:sync",
                "bring both up to date",
                (_switch("--local_cell", "only that of the cell, not cell0's"), _VERSION),
            ),
            "version": Command("schema:version", "print the version of the cell's"),
        },
    ),
    "api_db": (
        "the API database",
        {
            "sync": Command("schema:sync_api", "bring it up to date", (_VERSION,)),
            "version": Command("schema:version_api", "print its version"),
        },
    ),
    "service_db": (
        "the databases of the built-in services",
        {
            "sync": Command("schema:sync_services", "bring them up to date", (_SERVICE,)),
            "version": Command("schema:version_services", "print their versions", (_SERVICE,)),
        },
    ),
    "cell_v2": (
        "cells and their hosts",
        {
            "map_cell0": Command("cells:map_cell0", "make cell0 known", (_DATABASE,)),
            "simple_cell_setup": Command(
                "cells:simple_cell_setup", "make cell0, this configuration's cell and its hosts known", (_TRANSPORT,)
            ),
            "create_cell": Command(
                "cells:create",
                "make a cell known",
                (_NAME, _TRANSPORT, _DATABASE, _switch("--disabled", "no new servers for it"), _VERBOSE),
            ),
            "list_cells": Command("cells:list_all", "show the cells", (_switch("--verbose", "show passwords too"),)),
            "update_cell": Command(
                "cells:update",
                "change what is known of a cell",
                (
                    _CELL,
                    _NAME,
                    _TRANSPORT,
                    _DATABASE,
                    _switch("--disable", "no new servers for it"),
                    _switch("--enable", "new servers for it again"),
                ),
            ),
            "delete_cell": Command(
                "cells:delete",
                "forget a cell without instances",
                (_CELL, _switch("--force", "forget its hosts and deleted instances too")),
            ),
            "discover_hosts": Command(
                "hosts:discover",
                "make hosts known that report in their cell",
                (_MAYBE_CELL, _switch("--strict", "exit with 1 when there is no new one"), _VERBOSE),
            ),
            "list_hosts": Command("hosts:list_all", "show the hosts of cells", (_MAYBE_CELL,)),
            "delete_host": Command(
                "hosts:delete",
                "forget a host without instances",
                (_CELL, _argument("--host", required=True, help="its name")),
            ),
        },
    ),
}

#: These stand alone.
SINGLE = {
    "bootstrap": Command(
        "bootstrap:bootstrap", "do what the first start of a cloud does: databases, cells, users, images, networks"
    ),
}


def parser() -> argparse.ArgumentParser:
    """The parser of the command line: it sets ``run``, and ``config_files`` once it went through :func:`files`."""
    top = argparse.ArgumentParser(prog="minicloud-manage", description="Set up a cloud of many processes.")
    _add_files(top, "files_before")
    groups = top.add_subparsers(metavar="COMMAND", required=True)
    for category, (about, commands) in COMMANDS.items():
        group = groups.add_parser(category, help=about, description=about)
        actions = group.add_subparsers(metavar="ACTION", required=True)
        for name, command in commands.items():
            _fill(actions.add_parser(name, help=command.help, description=command.help), command)
    for name, command in SINGLE.items():
        _fill(groups.add_parser(name, help=command.help, description=command.help), command)
    return top


def files(args: argparse.Namespace) -> list[str] | None:
    """The configuration files that a command line names; None: none."""
    return [*args.files_before, *args.files_after] or None


def _fill(into: argparse.ArgumentParser, command: Command) -> None:
    _add_files(into, "files_after")
    for argument in command.arguments:
        into.add_argument(*argument.flags, **argument.options)
    into.set_defaults(run=f"{_HERE}.{command.run}")


def _add_files(into: argparse.ArgumentParser, dest: str) -> None:
    into.add_argument(
        "--config-file",
        dest=dest,
        metavar="FILE",
        action="append",
        default=[],
        help="a configuration file; may be given several times, the later one wins",
    )
