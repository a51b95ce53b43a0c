# SPDX-License-Identifier: Apache-2.0
"""A cell that does not answer keeps nobody waiting but the few who find out."""

from __future__ import annotations

import threading
import time

import testtools

from minicloud.cells import FutureTimeout, Line

PATIENCE = 0.3


class TestLine(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.line = Line(PATIENCE)
        self.answer = threading.Event()
        self.addCleanup(self.answer.set)

    def make_silent(self) -> None:
        future = self.line.ask(self.answer.wait)
        self.assertRaises(FutureTimeout, future.result, 0.01)
        self.line.is_late(future)
        # The one that may look whether it is still silent.
        self.line.is_late(self.line.ask(self.answer.wait))

    def test_an_answer_and_an_error(self) -> None:
        self.assertEqual(7, self.line.ask(lambda: 7).result(5))
        self.assertRaises(ZeroDivisionError, self.line.ask(lambda: 1 // 0).result, 5)

    def test_while_it_is_silent_others_are_told_at_once(self) -> None:
        self.make_silent()
        began = time.monotonic()
        for _ in range(100):
            self.assertRaises(FutureTimeout, self.line.ask(lambda: 7).result, 5)
        self.assertLess(time.monotonic() - began, PATIENCE)

    def test_one_answer_ends_the_silence(self) -> None:
        self.make_silent()
        time.sleep(PATIENCE)
        self.assertEqual(7, self.line.ask(lambda: 7).result(5))
        self.assertEqual(8, self.line.ask(lambda: 8).result(5))

    def test_the_late_answer_ends_it_too(self) -> None:
        self.make_silent()
        self.answer.set()
        deadline = time.monotonic() + 5
        while self.line._overdue and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(7, self.line.ask(lambda: 7).result(5))

    def test_what_is_late_and_done_does_not_make_it_silent(self) -> None:
        future = self.line.ask(lambda: 7)
        future.result(5)
        self.line.is_late(future)
        self.assertEqual(8, self.line.ask(lambda: 8).result(5))
