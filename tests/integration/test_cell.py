# SPDX-License-Identifier: Apache-2.0
"""Builds, deletes and verbs of the unit tests again, over RabbitMQ and on real database servers."""

from __future__ import annotations

import os
import uuid
from typing import ClassVar

import sqlalchemy as sa

from tests.unit.compute import test_actions, test_build
from tests.unit.compute.suite import CellTest
from tests.unit.rpc.suite import RabbitHost

MARIADB = os.environ.get("MINICLOUD_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306/mysql")
POSTGRESQL = os.environ.get("MINICLOUD_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


class Real(CellTest):
    """A cell on a broker and a database server, each test with its own."""

    SERVER: ClassVar[str] = MARIADB

    def transport_url(self) -> str:
        try:
            rabbit = RabbitHost()
        except OSError as error:
            self.missing(f"no RabbitMQ: {error}")
        self.addCleanup(rabbit.remove)
        return rabbit.url

    def database_url(self) -> str:
        name = f"compute_{uuid.uuid4().hex[:12]}"
        engine = sa.create_engine(self.SERVER, isolation_level="AUTOCOMMIT")
        self.addCleanup(engine.dispose)
        try:
            self.run_sql(engine, f"CREATE DATABASE {name}")
        except sa.exc.OperationalError as error:
            self.missing(f"no database server: {error}")
        self.addCleanup(self.run_sql, engine, f"DROP DATABASE {name}")
        return sa.make_url(self.SERVER).set(database=name).render_as_string(hide_password=False)

    @staticmethod
    def run_sql(engine: sa.Engine, statement: str) -> None:
        with engine.connect() as conn:
            conn.exec_driver_sql(statement)

    def missing(self, reason: str) -> None:
        if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
            self.fail(reason)
        self.skipTest(reason)


class BuildsOnMariaDB(Real, test_build.Builds):
    pass


class DeletesOnPostgreSQL(Real, test_build.DeletesWin):
    SERVER = POSTGRESQL


class VerbsOnMariaDB(Real, test_actions.Verbs):
    pass
