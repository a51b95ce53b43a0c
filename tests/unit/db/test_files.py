# SPDX-License-Identifier: Apache-2.0
"""Nobody else on the machine reads an SQLite database, and other processes of ours do it no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fixtures
import sqlalchemy as sa
import testtools

from minicloud.db.session import Database


class Files(testtools.TestCase):
    def test_only_the_owner_reads_them(self) -> None:
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)
        db = Database(f"sqlite:///{folder}/some.sqlite")
        self.addCleanup(db.dispose)
        with db.writer() as conn:
            conn.execute(sa.text("CREATE TABLE secrets (one TEXT)"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
        self.assertIn("some.sqlite-wal", modes)
        self.assertEqual({0o600}, set(modes.values()), modes)

    def test_another_process_that_comes_and_goes_leaves_the_log_of_this_one(self) -> None:
        """The last to leave removes the write-ahead log: no open file of ours may cost us our locks."""
        path = Path(self.useFixture(fixtures.TempDir()).path) / "a.sqlite"
        one = Database(f"sqlite:///{path}")
        self.addCleanup(one.dispose)
        with one.writer() as conn:
            conn.exec_driver_sql("CREATE TABLE t (x INTEGER)")
        # The same file once more in this process, as a cell and the service that looks for cells have it.
        self.addCleanup(Database(f"sqlite:///{path}").dispose)
        count = "print(c.execute('SELECT count(*) FROM t').fetchone()[0]); c.close()"
        look = f"import sqlite3; c = sqlite3.connect({str(path)!r}); {count}"
        seen = []
        for number in range(2):
            seen.append(subprocess.check_output([sys.executable, "-c", look], text=True).strip())
            with one.writer() as conn:
                conn.exec_driver_sql(f"INSERT INTO t VALUES ({number})")
        seen.append(subprocess.check_output([sys.executable, "-c", look], text=True).strip())
        self.assertEqual(["0", "1", "2"], seen)
