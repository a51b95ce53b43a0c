# SPDX-License-Identifier: Apache-2.0
"""The verdict of tests/tempest/run.py: a listed test that does not pass is a failure, for whatever reason."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import testtools

from tests.tempest import real

RUN = Path(__file__).parents[1] / "tempest" / "run.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("tempest_run", RUN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Verdict(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_py = _load()
        self.run_py.PASSING = Path(folder.name) / "passing.txt"
        # What it reports here is of no real run: nobody should meet it in a log.
        printed = contextlib.redirect_stdout(io.StringIO())
        self.printed = printed.__enter__()
        self.addCleanup(printed.__exit__, None, None, None)

    def test_check(self) -> None:
        for status, code in (("success", 0), ("fail", 1), ("skip", 1), (None, 1)):
            self.printed.truncate(0)
            found = {"a.b": "success", **({"a.c": status} if status else {})}
            self.assertEqual(code, self.run_py.check(["a.b", "a.c"], found), str(status))
            self.assertEqual(bool(code), ": a.c" in self.printed.getvalue())
        self.assertEqual(1, self.run_py.check([], {}))

    def test_record(self) -> None:
        self.run_py.PASSING.write_text("# about\na.broken\na.fine\nb.other\n")
        self.run_py.record(["^a"], {"a.broken": "fail", "a.fine": "success", "a.new": "success", "a.no": "skip"})
        self.assertEqual(["a.fine", "a.new", "b.other"], self.run_py.read_list())

    def test_names_are_known_without_ids_and_tags(self) -> None:
        self.assertEqual("a.B.c", self.run_py.bare("a.B.c[id-1,smoke]"))

    def test_the_list_is_of_tests_that_tempest_has(self) -> None:
        self.run_py = _load()
        for driver in ("fake", "libvirt", "docker"):
            self.check_names(self.run_py.listed(driver, only_core=False))

    def test_ci_runs_a_part_of_the_scenarios(self) -> None:
        for driver in ("libvirt", "docker"):
            core, everything = (set(self.run_py.listed(driver, only_core=core)) for core in (True, False))
            self.assertTrue(core < everything, driver)
            for name in ("test_server_basic_ops", "test_network_basic_ops"):
                self.assertIn(name, {one.rpartition(".")[2] for one in core})

    def test_every_scenario_is_for_a_driver_that_there_is(self) -> None:
        for line in real.SCENARIOS.read_text().splitlines():
            if not line.startswith("#"):
                drivers = {one.rstrip("*") for one in line.split()[1:]}
                self.assertTrue(drivers and drivers <= real.KINDS.keys(), line)

    def check_names(self, listed: list[str]) -> None:
        self.assertEqual(sorted(set(listed)), listed)
        spec = importlib.util.find_spec("tempest")
        assert spec is not None and spec.submodule_search_locations
        root = Path(spec.submodule_search_locations[0]).parent
        for module in {name.rsplit(".", 2)[0] for name in listed}:
            self.assertTrue((root / f"{module.replace('.', '/')}.py").is_file(), module)
