# SPDX-License-Identifier: Apache-2.0
"""minicloud-status upgrade check."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import sqlalchemy as sa

from minicloud.cmd import status
from minicloud.db.cell import services
from minicloud.web.moments import now
from tests.unit.cmd.test_manage import CELL1_UUID, ManageCase

SUCCESS, WARNING, FAILURE = 0, 1, 2


class StatusTest(ManageCase):
    def check(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """:returns: the exit code, and what was found by check"""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = status.main(["--config-file", str(self.file), "upgrade", "check", "--json"])
        return code, {one["check"]: one for one in json.loads(out.getvalue())["checks"]}

    def results(self) -> tuple[int, list[int]]:
        code, found = self.check()
        return code, [one["result"] for one in found.values()]

    def set_up(self) -> None:
        super().set_up()
        self.ok("service_db sync")

    def test_nothing_is_there(self) -> None:
        code, found = self.check()
        self.assertEqual(FAILURE, code)
        self.assertIn("cell0 is empty", found["Databases"]["details"])
        self.assertIn("no cell is mapped", found["Cells"]["details"])

    def test_all_is_well(self) -> None:
        self.set_up()
        self.assertEqual((SUCCESS, [SUCCESS] * 4), self.results())

    def test_a_database_that_is_behind_or_away(self) -> None:
        self.set_up()
        with self.open("image").writer() as conn:
            conn.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
        self.ok(
            "cell_v2 create_cell --name b --transport-url rabbit://b/"
            " --database_connection postgresql+psycopg://who:secret@127.0.0.1:1/x"
        )
        code, found = self.check()
        self.assertEqual((FAILURE, FAILURE), (code, found["Databases"]["result"]))
        self.assertIn("image is at 0000", found["Databases"]["details"])
        self.assertIn("cell b does not answer", found["Databases"]["details"])
        self.assertNotIn("secret", found["Databases"]["details"])

    def test_a_cell_without_cell0(self) -> None:
        self.ok("api_db sync")
        self.ok("db sync")
        self.ok("service_db sync")
        self.ok("cell_v2 create_cell")
        code, found = self.check()
        self.assertEqual((FAILURE, FAILURE), (code, found["Cells"]["result"]))
        self.assertNotIn("no cell is", found["Cells"]["details"])

    def test_hosts_nobody_knows(self) -> None:
        self.set_up()
        self.report_host("one")
        self.assertEqual((WARNING, [SUCCESS, SUCCESS, WARNING, SUCCESS]), self.results())
        self.ok(f"cell_v2 discover_hosts --cell_uuid {CELL1_UUID}")
        self.assertEqual(SUCCESS, self.check()[0])

    def test_services_of_two_releases(self) -> None:
        self.set_up()
        with self.open("cell").writer() as conn:
            services.report(conn, "old", "minicloud-compute", "compute", 1, now())
            services.report(conn, "new", "minicloud-compute", "compute", 2, now())
        code, found = self.check()
        self.assertEqual((WARNING, WARNING), (code, found["Service versions"]["result"]))
        self.assertIn("minicloud-compute on old (1)", found["Service versions"]["details"])
        self.assertNotIn("on new", found["Service versions"]["details"])
