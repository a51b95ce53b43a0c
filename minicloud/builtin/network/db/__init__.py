# SPDX-License-Identifier: Apache-2.0
"""The books: models, migrations, one repository per entity."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

#: The history that :func:`minicloud.db.migrate.sync` follows.
MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = ["MIGRATIONS", "Connection"]
