# SPDX-License-Identifier: Apache-2.0
"""The image service's own database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

#: The history that :func:`minicloud.db.migrate.sync` follows.
MIGRATIONS = Path(__file__).parent / "migrations"

#: What ``db.reader()`` and ``db.writer()`` give; the manager passes it on and runs no SQL itself.
__all__ = ["MIGRATIONS", "Connection"]
