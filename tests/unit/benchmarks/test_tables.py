# SPDX-License-Identifier: Apache-2.0
"""What benchmarks compute and print; what they measure, nobody can say beforehand."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path

import testtools

from benchmarks.guests.run import table
from benchmarks.guests.watch import Console, Log, built
from benchmarks.table import Row, head, line, write

UUID = "23cbc4b0-7bc7-4382-a19c-13c56507b592"
BUILT = (
    "2026-11-21 15:03:25.004 3314 INFO minicloud.compute.manager.build [None req-f2 a b - - default default] Built in "
    f"3.105 s: waiting 0.001 s, ports up 0.117 s [instance: {UUID}]"
)


class TestTable(testtools.TestCase):
    def test_ratios(self) -> None:
        self.assertEqual(4.0, Row("boot", 20.0, "ms", floor=5.0).ratio)
        self.assertEqual(4.0, Row("boots", 50.0, "/s", floor=5.0).ratio)
        self.assertEqual((None, None), (Row("x", 20.0, "ms").ratio, Row("x", 20.0, "ms", floor=0.0).ratio))

    def test_columns_stand_below_their_heads(self) -> None:
        text = line(Row("20 known: ACTIVE", 1500.0, "ms", most=2000.25, cpu=12.5, floor=500.0))
        self.assertEqual(["20", "known:", "ACTIVE", "1500.00", "ms", "2000.25", "12.50", "3.0"], text.split())
        for name, value in (("max", "2000.25"), ("cpu ms", "12.50"), ("x floor", "3.0")):
            self.assertEqual(head("max").index(name) + len(name), text.index(value) + len(value), name)

    def test_as_json(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.json"
            write(path, [Row("a", 20.0, "ms", p95=30.0, floor=5.0)], {"boot": {"sql": 1.0}})
            found = json.loads(path.read_text())
        row = {"name": "a", "value": 20.0, "unit": "ms", "p95": 30.0, "max": None, "cpu": None, "ratio": 4.0}
        self.assertEqual({"rows": [row], "counts": {"boot": {"sql": 1.0}}}, found)


class TestGuests(testtools.TestCase):
    def test_median_and_maximum_of_each_step_in_order(self) -> None:
        found = table(
            [{"SSH": 3.0, "ACTIVE": 1.0, "new": 9.0}, {"SSH": 5.0, "ACTIVE": 2.0}, {"SSH": 4.5, "ACTIVE": 6.0}]
        )
        self.assertEqual(
            [("ACTIVE", (2000.0, 6000.0)), ("SSH", (4500.0, 5000.0)), ("new", (9000.0, 9000.0))], list(found.items())
        )

    def test_a_line_of_the_log(self) -> None:
        found = built(BUILT)
        assert found is not None
        self.assertEqual((UUID, 3.105, {"waiting": 0.001, "ports up": 0.117}), (found.uuid, found.total, found.stages))
        self.assertEqual(datetime(2026, 11, 21, 15, 3, 25, 4000), datetime.fromtimestamp(found.at))
        self.assertIsNone(built(BUILT.replace("Built in", "Built already")))

    def test_a_log_that_grows(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log"
            path.write_text(f"{BUILT}\n")
            log = Log(path)
            with path.open("a") as file:
                file.write(f"other\n{BUILT}\n{BUILT[:40]}")
                file.flush()
                self.assertEqual([UUID], [found.uuid for found in log.news()])
                file.write(f"{BUILT[40:]}\n")
            self.assertEqual([UUID], [found.uuid for found in log.news()])
            self.assertEqual([], list(log.news()))

    def test_what_a_console_shows(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "console.log"
            console = Console(path)
            self.assertFalse(console.look("", "login:"))
            path.write_text("Linux\n")
            self.assertFalse(console.look("", "login:"))
            self.assertEqual([""], list(console.seen))
            first = console.seen[""]
            path.write_text("Linux\nlogin:")
            self.assertTrue(console.look("", "login:"))
            self.assertEqual(first, console.seen[""])
