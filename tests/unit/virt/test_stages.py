# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import testtools

from minicloud.virt.stages import Stages


class Clock:
    """A second hand that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TestStages(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.stages = Stages(self.clock)

    def _spend(self, name: str, seconds: float) -> None:
        with self.stages.of(name):
            self.clock.now += seconds

    def test_parts_and_total(self) -> None:
        self._spend("network", 0.25)
        self.clock.now += 1
        self._spend("image", 2)
        self.assertEqual("3.250 s: network 0.250 s, image 2.000 s", str(self.stages))

    def test_a_stage_in_several_parts(self) -> None:
        self._spend("image", 1)
        self._spend("start", 4)
        self._spend("image", 2)
        self.assertEqual({"image": 3.0, "start": 4.0}, self.stages.seconds)

    def test_a_stage_that_fails_counts(self) -> None:
        self.assertRaises(ZeroDivisionError, self._fail)
        self.assertEqual({"start": 5.0}, self.stages.seconds)

    def _fail(self) -> None:
        with self.stages.of("start"):
            self.clock.now += 5
            raise ZeroDivisionError

    def test_from_the_beginning(self) -> None:
        self.clock.now += 0.5
        self.stages.since_start("waiting")
        self.assertEqual("0.500 s: waiting 0.500 s", str(self.stages))

    def test_nothing_yet(self) -> None:
        self.assertEqual("0.000 s", str(self.stages))
