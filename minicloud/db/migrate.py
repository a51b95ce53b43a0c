# SPDX-License-Identifier: Apache-2.0
"""Schema migrations: one alembic history per database, in ``<package>/migrations/``.

``versions/`` there holds the revisions; the environment script is the same for all and
lives here. A database that is already at its head costs one SELECT and no alembic.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from minicloud.db.session import Database

_HEAD = re.compile(r"^revision(?::\s*str)?\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)
_DOWN = re.compile(r"^down_revision(?::[^=]*)?\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)


class UnknownVersion(Exception):
    """A revision that is not in the history: mistyped, or of a newer release than this one."""


def head(location: Path) -> str:
    """The newest revision of a history, read without importing it."""
    followed = {match[1] for text in _texts(location) if (match := _DOWN.search(text))}
    (only,) = versions(location) - followed
    return only


def versions(location: Path) -> set[str]:
    """All revisions of a history."""
    return {match[1] for text in _texts(location) if (match := _HEAD.search(text))}


def _texts(location: Path) -> list[str]:
    return [path.read_text() for path in (location / "versions").glob("*.py")]


def version(db: Database) -> str | None:
    """The revision a database is at; None for an empty one."""
    with db.reader() as conn:
        if not sa.inspect(conn).has_table("alembic_version"):
            return None
        found: str | None = conn.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found


def sync(db: Database, location: Path, target: str = "head") -> bool:
    """Bring a database to a revision of its history.

    :param location: the folder that holds ``versions/``
    :returns: whether anything was done
    :raises UnknownVersion: of the target, or of what the database is at
    """
    now = version(db)
    if now == (head(location) if target == "head" else target):
        return False
    known = versions(location)
    for wanted in {now or "head", target} - {"head"}:
        if wanted not in known:
            raise UnknownVersion(f"version {wanted} is unknown here; known are {', '.join(sorted(known))}")
    from alembic import command

    with db.engine.connect().execution_options(minicloud_writer=True) as conn, conn.begin():
        if now is None and conn.dialect.name == "mysql":
            # Whatever the server's default: any text, and capitals tell names apart as on the other databases.
            conn.exec_driver_sql("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        command.upgrade(_config(location, conn), target)
    return True


def _config(location: Path, conn: sa.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("version_locations", str(location / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = conn
    return config
