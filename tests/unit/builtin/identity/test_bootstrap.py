# SPDX-License-Identifier: Apache-2.0
"""Filling a new cloud, on every database there is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import testtools

from minicloud.builtin.identity.bootstrap import bootstrap
from tests.fixtures import databases
from tests.unit.builtin.identity.base import configuration


class BootstrapTest(testtools.TestCase):
    SERVER = "SQLite"

    def test_a_second_time_is_harmless(self) -> None:
        db = databases.new_database(self, self.SERVER)
        with tempfile.TemporaryDirectory() as folder:
            conf = configuration(Path(folder))
            first = bootstrap(conf, db, public_url="http://one")
            again = bootstrap(conf, db, public_url="http://one")
        self.assertNotEqual((), first.created)
        self.assertEqual(first.users, again.users)
        self.assertEqual((), again.created)


class MariaDbBootstrapTest(BootstrapTest):
    SERVER = "MariaDB"


class PostgresqlBootstrapTest(BootstrapTest):
    SERVER = "PostgreSQL"
