# SPDX-License-Identifier: Apache-2.0
"""The identity service's database: models, migrations, one repository module per entity."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

#: The history that :func:`minicloud.db.migrate.sync` follows.
MIGRATIONS = Path(__file__).parent / "migrations"

#: For the annotations of those who pass one on: SQL itself stays in here.
__all__ = ["MIGRATIONS", "Connection"]
