# SPDX-License-Identifier: Apache-2.0
"""Several processes write to one SQLite file at the same time: nobody is refused and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import testtools

from minicloud.db import cell, migrate
from minicloud.db.cell import instances
from minicloud.web.moments import now
from tests.fixtures import databases
from tests.unit.db.test_cell import instance

ROOT = Path(__file__).parents[3]

PROCESSES, THREADS, TIMES = 4, 4, 10


class ProcessesTest(testtools.TestCase):
    def test_sixteen_writers_in_four_processes(self) -> None:
        db = databases.new_database(self)
        migrate.sync(db, cell.MIGRATIONS)
        one = instance(1, metadata={"count": "0"})
        with db.writer() as conn:
            instances.create_all(conn, [one], now())
        command = [sys.executable, "-m", "tests.unit.db.writer", str(db.url), one.uuid, str(THREADS), str(TIMES)]
        writers = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        for writer in writers:
            self.addCleanup(writer.kill)
        for writer in writers:
            assert writer.stdout is not None
            self.assertEqual("ready\n", writer.stdout.readline())
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        answers = [(writer.communicate(timeout=60)[0].strip(), writer.returncode) for writer in writers]
        self.assertEqual([("", 0)] * PROCESSES, answers)
        with db.reader() as conn:
            total = int(instances.get(conn, one.uuid).metadata["count"])
        self.assertEqual(PROCESSES * THREADS * TIMES, total)
