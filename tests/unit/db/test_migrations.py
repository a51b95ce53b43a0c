# SPDX-License-Identifier: Apache-2.0
"""The models and the migrations describe the same tables, on every database there is."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
import testtools

from minicloud.builtin.identity import db as identity
from minicloud.builtin.identity.db.models import Base as IdentityBase
from minicloud.builtin.image import db as image
from minicloud.builtin.image.db.models import Base as ImageBase
from minicloud.builtin.network import db as network
from minicloud.builtin.network.db.models import Base as NetworkBase
from minicloud.db import api, cell, migrate
from minicloud.db.api.models import METADATA as API
from minicloud.db.cell.models import METADATA as CELL
from tests.fixtures import databases

#: name -> (history, models)
HISTORIES: dict[str, tuple[Path, sa.MetaData]] = {
    "api": (api.MIGRATIONS, API),
    "cell": (cell.MIGRATIONS, CELL),
    "identity": (identity.MIGRATIONS, IdentityBase.metadata),
    "image": (image.MIGRATIONS, ImageBase.metadata),
    "network": (network.MIGRATIONS, NetworkBase.metadata),
}


class MigrationsTest(testtools.TestCase):
    SERVER = "SQLite"

    def check(self, name: str) -> None:
        location, models = HISTORIES[name]
        databases.check_migrations(self, databases.new_database(self, self.SERVER), location, models)

    def test_api(self) -> None:
        self.check("api")

    def test_cell(self) -> None:
        self.check("cell")

    def test_identity(self) -> None:
        self.check("identity")

    def test_image(self) -> None:
        self.check("image")

    def test_network(self) -> None:
        self.check("network")


class MariaDbMigrationsTest(MigrationsTest):
    SERVER = "MariaDB"


class PostgresqlMigrationsTest(MigrationsTest):
    SERVER = "PostgreSQL"


class VersionsTest(testtools.TestCase):
    def test_a_database_of_a_newer_release_stays_as_it_is(self) -> None:
        db = databases.new_database(self)
        migrate.sync(db, cell.MIGRATIONS)
        with db.writer() as conn:
            conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        error = self.assertRaises(migrate.UnknownVersion, migrate.sync, db, cell.MIGRATIONS)
        self.assertIn("9999", str(error))
        self.assertEqual("9999", migrate.version(db))

    def test_a_version_that_never_was(self) -> None:
        db = databases.new_database(self)
        self.assertRaises(migrate.UnknownVersion, migrate.sync, db, cell.MIGRATIONS, "nonsense")
        self.assertIsNone(migrate.version(db))

    def test_a_difference_is_seen(self) -> None:
        """So that the tests above can fail."""
        db = databases.new_database(self)
        migrate.sync(db, cell.MIGRATIONS)
        with db.writer() as conn:
            conn.execute(sa.text("ALTER TABLE services ADD COLUMN stray INTEGER"))
        self.assertNotEqual([], databases.differences(db, CELL))
