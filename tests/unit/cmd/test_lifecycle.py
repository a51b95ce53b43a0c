# SPDX-License-Identifier: Apache-2.0
"""up, down, status, logs and reset of a real process, whose cloud only answers on its port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import testtools
import yaml

from minicloud.cmd.commands.process import AlreadyRunning, Home

ROOT = Path(__file__).parents[3]
FAKE = Path(__file__).parent / "fake_cloud.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lifecycle(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.home = Home(self.top / "state")
        self.clouds = self.top / "clouds.yaml"
        self.port = free_port()
        self.addCleanup(self.kill)

    def kill(self) -> None:
        for _ in range(500):
            record = self.home.running()
            if record is None:
                return
            if record.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGKILL)
            time.sleep(0.02)
        self.fail("it cannot be killed")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(FAKE), *arguments]

    def environment(self, mode: str = "") -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MINICLOUD_STATE_DIR": str(self.home.path),
            "OS_CLIENT_CONFIG_FILE": str(self.clouds),
            "FAKE_CLOUD": mode,
        }

    def minicloud(self, *arguments: str, mode: str = "", code: int = 0) -> str:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(mode),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def up(self, *arguments: str, mode: str = "", code: int = 0) -> str:
        return self.minicloud("up", "--detach", "--port", str(self.port), *arguments, mode=mode, code=code)


class TestUp(Lifecycle):
    def test_is_ready_when_it_comes_back(self) -> None:
        said = self.up("--hosts", "3", "--driver", "fake.Other")
        self.assertIn(f"The cloud is ready at http://127.0.0.1:{self.port}", said)
        self.assertIn("  wsgi", said, "the steps of the start")
        record = self.home.running()
        assert record is not None
        self.assertEqual((3, True), (record.hosts, record.is_ready))
        self.assertIn("with fake.Other, 3 hosts", self.minicloud("logs"))
        clouds = yaml.safe_load(self.clouds.read_text())["clouds"]
        self.assertEqual(f"http://127.0.0.1:{self.port}/identity/v3", clouds["minicloud"]["auth"]["auth_url"])

    def test_twice_is_harmless(self) -> None:
        self.up()
        before = self.home.running()
        self.assertIn("runs already", self.up())
        self.assertIn("runs already", self.minicloud("up", "--port", str(free_port())))
        self.assertEqual(before, self.home.running())

    def test_twice_tells_again_how_to_use_it(self) -> None:
        self.up()
        self.clouds.unlink()
        said = self.up("--hosts", "5")
        self.assertIn("export OS_CLOUD=minicloud", said)
        self.assertIn("goes on as it was started", said)
        self.assertIn("minicloud-admin", yaml.safe_load(self.clouds.read_text())["clouds"])

    def test_waits_for_one_that_somebody_else_is_starting(self) -> None:
        other = subprocess.Popen(
            self.command("up", "--port", str(self.port)), env=self.environment(), stdout=subprocess.DEVNULL
        )
        self.addCleanup(other.wait, 20)
        self.addCleanup(other.terminate)
        for _ in range(200):
            if self.home.running() is not None:
                break
            time.sleep(0.05)
        self.assertIn("The cloud is ready", self.up())

    def test_at_the_same_time_makes_one_cloud(self) -> None:
        commands = [self.command("up", "--detach", "--port", str(self.port)) for _ in range(3)]
        started = [
            subprocess.Popen(one, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for one in commands
        ]
        outputs = [one.communicate(timeout=60)[0].decode() for one in started]
        self.assertEqual([0, 0, 0], [one.returncode for one in started], "\n".join(outputs))
        processes = subprocess.run(["pgrep", "-f", f"{FAKE} up.*--port {self.port}"], capture_output=True, check=False)
        self.assertEqual(1, len(processes.stdout.split()))

    def test_tells_why_it_did_not_start(self) -> None:
        said = self.up(mode="dies", code=1)
        self.assertIn("RuntimeError: the roof is leaking", said)
        self.assertNotIn("Service wsgi started", said.partition("minicloud.log:")[2], "what comes before the error")
        self.assertIsNone(self.home.running())

    def test_one_that_is_never_ready_does_not_stay(self) -> None:
        said = self.up("--timeout", "2", mode="hangs", code=1)
        self.assertIn("not ready in time", said)
        for _ in range(50):
            if self.home.running() is None:
                return
            time.sleep(0.1)
        self.fail("it stayed")

    def test_names_the_port_that_is_taken(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.port))
            other.listen()
            self.assertIn(f"port {self.port} of 127.0.0.1", self.up(code=1))

    def test_in_the_foreground_ends_at_a_signal(self) -> None:
        process = subprocess.Popen(
            self.command("up", "--port", str(self.port)),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        self.assertIn("The cloud is ready", process.stdout.readline())
        process.terminate()
        process.communicate(timeout=20)
        self.assertEqual(0, process.returncode)
        self.assertIsNone(self.home.running())

    def test_only_its_owner_may_read_what_it_wrote(self) -> None:
        self.up()
        files = [path for path in (self.clouds, *self.home.path.rglob("*")) if path.is_file()]
        self.assertIn(self.home.log_file, files)
        self.assertEqual([], [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077])

    def test_a_clouds_yaml_it_cannot_edit_stays(self) -> None:
        self.clouds.write_text("clouds: [")
        said = self.up()
        self.assertEqual("clouds: [", self.clouds.read_text())
        own = self.home.path / "clouds.yaml"
        self.assertIn(f"export OS_CLIENT_CONFIG_FILE={own}", said)
        self.assertIn("minicloud-admin", yaml.safe_load(own.read_text())["clouds"])

    def test_refuses_what_makes_no_sense(self) -> None:
        for wrong in (("--port", "0"), ("--port", "65536"), ("--hosts", "0"), ("--hosts", "many")):
            self.minicloud("up", *wrong, code=2)
        self.assertFalse(self.home.path.exists())
        self.minicloud("up", "--config-file", "/nowhere.conf", code=1)


class TestDown(Lifecycle):
    def test_stops_it(self) -> None:
        self.up()
        self.assertIn("Stopped", self.minicloud("down"))
        self.assertIsNone(self.home.running())
        self.assertIn("not running", self.minicloud("down"))

    def test_kills_only_when_told_to(self) -> None:
        self.up(mode="stays")
        self.assertIn("--force", self.minicloud("down", "--timeout", "0.3", code=1))
        self.assertIsNotNone(self.home.running())
        self.minicloud("down", "--timeout", "0.3", "--force")
        self.assertIsNone(self.home.running())

    def test_a_killed_cloud_leaves_nothing_to_the_next(self) -> None:
        self.up()
        before = self.home.running()
        self.kill()
        self.assertIn("not running", self.minicloud("down"))
        # Whoever has the lock next is not ready because the one before was.
        with self.home.lock():
            assert before is not None
            self.assertFalse(self.home.running().is_ready)  # type: ignore[union-attr]  # it runs
        self.home.write(before)
        self.home.pid_file.write_text(f"{before.pid}\n")
        self.up()
        self.assertNotEqual(before.pid, self.home.running().pid)  # type: ignore[union-attr]  # it runs


class TestStatus(Lifecycle):
    def test_rows_of_what_runs(self) -> None:
        self.up()
        rows = json.loads(self.minicloud("status", "-f", "json"))
        record = self.home.running()
        assert record is not None
        self.assertEqual({"api compute": "up", "api identity": "up"}, {row["Service"]: row["State"] for row in rows})
        self.assertEqual({record.pid}, {row["PID"] for row in rows})
        self.assertTrue(all(row["RSS"] > 5_000_000 and 0 <= row["Uptime"] < 60 for row in rows), rows)
        self.assertIn(" MB ", self.minicloud("status"))

    def test_nothing_runs(self) -> None:
        self.assertIn("not running", self.minicloud("status", code=3))
        self.assertFalse(self.home.path.exists(), "looking makes nothing")


class TestReset(Lifecycle):
    def test_removes_all_of_it_and_no_more(self) -> None:
        self.clouds.write_text("# mine\nclouds:\n  other: {auth: {username: me}}\n")
        before = self.clouds.read_text()
        self.up()
        self.minicloud("down")
        self.assertIn("--yes", self.minicloud("reset", code=1))
        self.assertTrue((self.home.path / "passwords.json").exists())
        self.minicloud("reset", "--yes")
        self.assertEqual([], list(self.home.path.iterdir()))
        self.assertEqual(before, self.clouds.read_text())
        self.up()

    def test_refuses_while_it_runs(self) -> None:
        self.up()
        self.assertIn("--force", self.minicloud("reset", "--yes", code=1))
        self.assertIsNotNone(self.home.running())
        self.minicloud("reset", "--yes", "--force")
        self.assertIsNone(self.home.running())

    def test_refuses_a_directory_that_holds_other_things(self) -> None:
        self.home.path.mkdir()
        (self.home.path / "thesis.tex").write_text("…")
        self.up()
        self.minicloud("down")
        self.assertIn("by hand", self.minicloud("reset", "--yes", code=1))
        self.assertTrue((self.home.path / "thesis.tex").exists())


class TestLogs(Lifecycle):
    def test_follows_over_a_rotation(self) -> None:
        self.home.prepare()
        self.home.log_file.write_text("one\ntwo\nthree\n")
        process = subprocess.Popen(
            self.command("logs", "-f", "-n", "2"),
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
            # A shell's background job ignores SIGINT, and so would what the tests start there.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.assertEqual(["two\n", "three\n"], [process.stdout.readline() for _ in range(2)])
        with self.home.log_file.open("a") as log:
            log.write("four\n")
        self.assertEqual("four\n", process.stdout.readline())
        self.home.log_file.rename(self.home.log_file.with_suffix(".1"))
        self.home.log_file.write_text("five\n")
        self.assertEqual("five\n", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        self.assertEqual(0, process.returncode)

    def test_never_started(self) -> None:
        self.assertIn("never started", self.minicloud("logs", code=1))


class TestLock(Lifecycle):
    def test_is_for_one_and_free_afterwards(self) -> None:
        self.home.prepare()
        other = Home(self.home.path)
        with self.home.lock():
            self.assertIsNotNone(other.running())
            with testtools.ExpectedException(AlreadyRunning), other.lock():
                pass
        self.assertIsNone(other.running())
        with other.lock():
            self.assertEqual(os.getpid(), self.home.running().pid)  # type: ignore[union-attr]  # it runs
