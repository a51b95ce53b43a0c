# SPDX-License-Identifier: Apache-2.0
"""The service group, with real oslo.service services; signals go to real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import testtools
from oslo_service import service as oslo_service

from minicloud.cmd.group import Group

ROOT = Path(__file__).parents[3]

PROGRAM = """
    import logging, sys, threading, time
    from minicloud.cmd import group
    from oslo_service import service

    class Talker(service.Service):
        def __init__(self, name, slow=0.0):
            super().__init__()
            self.name, self.slow, self.over = name, slow, threading.Event()
        def start(self):
            super().start()
            self.tg.add_thread(self.over.wait)   # a thread of its own, as services have
            print("start", self.name, flush=True)
        def reset(self):
            print("reset", self.name, flush=True)
        def stop(self, graceful=False):
            print("stop", self.name, flush=True)
            time.sleep(self.slow)
            self.over.set()
            super().stop(graceful)

    slow, deadline = float(sys.argv[1]), float(sys.argv[2])
    one = group.Group(
        [Talker("a"), Talker("b", slow)], deadline=deadline,
        on_ready=lambda: print("ready", flush=True), on_reload=lambda: print("reload", flush=True))
    if len(sys.argv) > 3:
        threading.Timer(0.1, one.quit, (int(sys.argv[3]),)).start()
    code = one.run()
    print("end", flush=True)
    sys.exit(code)
"""


class Recorder(oslo_service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """An ordinary service that tells what happened to it."""

    def __init__(self, name: str, log: list[str], *, fails: bool = False, hangs: bool = False) -> None:
        super().__init__()
        self.name, self.log, self.fails, self.hangs = name, log, fails, hangs
        self.over = threading.Event()

    def start(self) -> None:
        super().start()
        self.log.append(f"start {self.name}")
        if self.fails:
            raise OSError("port taken")
        self.tg.add_thread(self.over.wait, 30)

    def stop(self, graceful: bool = False) -> None:
        self.log.append(f"stop {self.name}")
        if self.hangs:
            self.over.wait(30)
        self.over.set()
        super().stop(graceful)

    def wait(self) -> None:
        super().wait()
        self.log.append(f"waited {self.name}")


class TestGroup(testtools.TestCase):
    def test_starts_in_order_and_stops_in_reverse(self) -> None:
        log: list[str] = []
        group = Group([Recorder("a", log), Recorder("b", log)], on_ready=lambda: log.append("ready"))
        group.start()
        self.assertTrue(group.ready.is_set())
        self.assertEqual([], group.stop())
        self.assertFalse(group.ready.is_set())
        self.assertEqual(["start a", "start b", "ready", "stop b", "waited b", "stop a", "waited a"], log)

    def test_a_failed_start_stops_the_others(self) -> None:
        log: list[str] = []
        group = Group([Recorder("a", log), Recorder("b", log, fails=True), Recorder("c", log)])
        error = self.assertRaises(OSError, group.start)
        self.assertEqual("port taken", str(error))
        self.assertFalse(group.ready.is_set())
        self.assertEqual(["start a", "start b", "stop b", "waited b", "stop a", "waited a"], log)

    def test_one_that_hangs_does_not_keep_the_others(self) -> None:
        log: list[str] = []
        hanging = Recorder("b", log, hangs=True)
        self.addCleanup(hanging.over.set)
        group = Group([Recorder("a", log), hanging], deadline=0.4)
        group.start()
        began = time.monotonic()
        self.assertEqual(["b"], group.stop())
        self.assertLess(time.monotonic() - began, 2)
        self.assertIn("waited a", log)


class TestSignals(testtools.TestCase):
    def begin(self, *args: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), *map(str, args)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def read_until(self, process: subprocess.Popen[str], line: str) -> list[str]:
        assert process.stdout is not None
        seen: list[str] = []
        while not seen or seen[-1] != line:
            text = process.stdout.readline()
            if not text:
                self.fail(f"ended before {line!r}: {seen} {process.stderr.read() if process.stderr else ''}")
            seen.append(text.strip())
        return seen

    def test_sigterm_and_sigint_stop_in_reverse(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.begin(0, 10)
            self.assertEqual(["start a", "start b", "ready"], self.read_until(process, "ready"))
            process.send_signal(number)
            out, _ = process.communicate(timeout=10)
            self.assertEqual(["stop b", "stop a", "end"], out.split("\n")[:3])
            self.assertEqual(0, process.returncode)

    def test_sighup_reloads_and_goes_on(self) -> None:
        process = self.begin(0, 10)
        self.read_until(process, "ready")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(["reload", "reset a", "reset b"], self.read_until(process, "reset b"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        self.assertEqual(0, process.returncode)

    def test_the_deadline_is_hard(self) -> None:
        process = self.begin(60, 0.5)
        self.read_until(process, "ready")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
        self.assertEqual(["stop b", "stop a"], out.split("\n")[:2])
        self.assertEqual(1, process.returncode)

    def test_a_second_signal_ends_at_once(self) -> None:
        process = self.begin(60, 60)
        self.read_until(process, "ready")
        process.send_signal(signal.SIGTERM)
        self.read_until(process, "stop b")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        self.assertEqual(128 + signal.SIGTERM, process.returncode)

    def test_quit_gives_the_exit_code(self) -> None:
        process = self.begin(0, 10, 3)
        process.communicate(timeout=10)
        self.assertEqual(3, process.returncode)
