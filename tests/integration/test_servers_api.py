# SPDX-License-Identifier: Apache-2.0
"""The unit tests of the compute API's servers again, on MariaDB and PostgreSQL."""

from __future__ import annotations

import os
import uuid
from typing import ClassVar

import sqlalchemy as sa

from tests.unit.api.servers import test_actions, test_change, test_create, test_listing, test_parts
from tests.unit.api.servers.base import ServersTest

MARIADB = os.environ.get("MINICLOUD_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306/mysql")
POSTGRESQL = os.environ.get("MINICLOUD_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


class Real(ServersTest):
    """Databases on a server, each test with its own."""

    SERVER: ClassVar[str] = MARIADB

    def database_url(self, name: str) -> str:
        database = f"servers_{name}_{uuid.uuid4().hex[:12]}"
        engine = sa.create_engine(self.SERVER, isolation_level="AUTOCOMMIT")
        self.addCleanup(engine.dispose)
        try:
            self.run_sql(engine, f"CREATE DATABASE {database}")
        except sa.exc.OperationalError as error:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                self.fail(f"no database server: {error}")
            self.skipTest(f"no database server: {error}")
        force = " WITH (FORCE)" if self.SERVER.startswith("postgresql") else ""
        self.addCleanup(self.run_sql, engine, f"DROP DATABASE {database}{force}")
        return sa.make_url(self.SERVER).set(database=database).render_as_string(hide_password=False)

    @staticmethod
    def run_sql(engine: sa.Engine, statement: str) -> None:
        with engine.connect() as conn:
            conn.exec_driver_sql(statement)


class CreateOnMariaDB(Real, test_create.Create):
    pass


class CreateOnPostgreSQL(Real, test_create.Create):
    SERVER = POSTGRESQL


class ListingOnMariaDB(Real, test_listing.Listing):
    pass


class ListingOnPostgreSQL(Real, test_listing.Listing):
    SERVER = POSTGRESQL


class ActionsOnMariaDB(Real, test_actions.Lifecycle):
    pass


class DeleteOnPostgreSQL(Real, test_change.Delete):
    SERVER = POSTGRESQL


class TagsOnMariaDB(Real, test_parts.Tags):
    pass


class MetadataOnPostgreSQL(Real, test_parts.Metadata):
    SERVER = POSTGRESQL
