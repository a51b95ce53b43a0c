# SPDX-License-Identifier: Apache-2.0
"""What the commands of ``minicloud-manage`` share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from oslo_config import cfg

from minicloud.cmd.setup import databases
from minicloud.db import migrate
from minicloud.db.api import mappings
from minicloud.db.session import Database
from minicloud.objects import CellMapping

_CREDENTIALS = re.compile(r"(^|,)([^:,@]*):[^@]*@")
_PARAMETER = re.compile(r"(?i)((?:password|passwd|secret)=)[^&]*")


class Refused(Exception):
    """A command cannot do what it was asked; its text says why and what to do about it."""

    def __init__(self, text: str, code: int = 1) -> None:
        """
        :param code: the exit code of the program
        """
        super().__init__(text)
        self.code = code


@contextmanager
def api_database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """The API database with its tables.

    :raises Refused: when it has none
    """
    with databases.opened(conf, "api") as db:
        if migrate.version(db) is None:
            raise Refused("The API database is empty. Fill it first: minicloud-manage api_db sync")
        yield db


def cells(api_db: Database, uuid: str | None = None) -> list[CellMapping]:
    """All cells, or the one that is meant.

    :raises Refused: when there is no such cell
    """
    with api_db.reader() as conn:
        found = mappings.cells(conn)
    if uuid is None:
        return found
    chosen = [cell for cell in found if cell.uuid == uuid]
    if not chosen:
        raise Refused(f"Cell with uuid {uuid} was not found.")
    return chosen


def masked(url: str) -> str:
    """A database's or a transport's URL without its passwords."""
    scheme, separator, rest = url.partition("://")
    authority, at, path = rest.rpartition("@")
    shown = _CREDENTIALS.sub(r"\1\2:****@", authority + at)
    return _PARAMETER.sub(r"\1****", f"{scheme}{separator}{shown}{path}")


def first_line(error: Exception) -> str:
    """Of a database's error: what follows is the statement."""
    return str(error).partition("\n")[0]


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    texts = [[str(value) for value in row] for row in (columns, *rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(columns))]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    lines = [
        "|".join(["", *(f" {text:<{width}} " for text, width in zip(row, widths, strict=True)), ""]) for row in texts
    ]
    print(rule, lines[0], rule, *lines[1:], *([rule] if rows else []), sep="\n")
