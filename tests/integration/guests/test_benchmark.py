# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks --driver docker``: it measures, and leaves the host as it was, also when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import testtools

from minicloud import guest_image
from tests.fixtures import containers
from tests.functional.cloud import ROOT
from tests.integration.guests import host
from tests.integration.guests.cloud import until

#: Seconds for a run, which takes 20.
PATIENCE = 200.0


class TestBenchmark(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                self.fail("networks need root")
            self.skipTest("networks need root")
        url = containers.docker_url(self)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = {**os.environ, "MINICLOUD_DOCKER_URL": url, "TMPDIR": folder.name, "HOME": folder.name}
        self.api = docker.APIClient(base_url=url, version="auto")
        self.addCleanup(self.api.close)
        self.image = self._image()
        self.before = self._inventory()

    def _image(self) -> Path:
        if kept := os.environ.get("MINICLOUD_TEST_GUESTS"):
            path = Path(kept) / "guest-docker"
            if path.exists():
                return path
        path = self.folder / "guest"
        guest_image.build_tar(path, lambda _step: None)
        return path

    def _inventory(self) -> set[str]:
        found = {f"container: {each['Id']}" for each in self.api.containers(all=True)}
        return host.inventory() | found | {f"image: {each['Id']}" for each in self.api.images()}

    @contextmanager
    def _running(self) -> Iterator[subprocess.Popen[str]]:
        options = ["--driver", "docker", "--guests", "2", "--quick", "--image", str(self.image)]
        command = [sys.executable, "-m", "benchmarks", *options, "--json", str(self.folder / "rows.json")]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Whoever runs the tests in the background may have made all below deaf to it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as running:
            try:
                yield running
            finally:
                running.terminate()
                running.wait(PATIENCE)

    def _assert_as_before(self) -> None:
        after = self._inventory()
        self.assertEqual(([], []), (sorted(after - self.before), sorted(self.before - after)))

    def test_a_run(self) -> None:
        with self._running() as running:
            said, _none = running.communicate(timeout=PATIENCE)
        self.assertEqual(0, running.returncode, said)
        rows = {row["name"]: row for row in json.loads((self.folder / "rows.json").read_text())["rows"]}
        self.assertThat(rows["floor: 2, start"]["value"], testtools.matchers.GreaterThan(0))
        for what in ("1 new", "1 known", "2 new", "2 known"):
            active, ssh, start = (rows[f"{what}: {name}"] for name in ("ACTIVE", "SSH", "host: start"))
            self.assertThat(active["value"], testtools.matchers.GreaterThan(start["value"]), what)
            self.assertThat(active["max"], testtools.matchers.GreaterThan(active["value"] - 0.001), what)
            self.assertThat(ssh["value"] * active["ratio"] * ssh["ratio"], testtools.matchers.GreaterThan(0), what)
        self._assert_as_before()

    def test_an_interrupted_run(self) -> None:
        with self._running() as running:
            until(lambda: self._has_guest() or running.poll() is not None, "a guest of the cloud's", PATIENCE, 0.1)
            running.send_signal(signal.SIGINT)
            said, _none = running.communicate(timeout=PATIENCE)
        self.assertIn("KeyboardInterrupt", said)
        self._assert_as_before()

    def _has_guest(self) -> bool:
        found = self.api.containers(filters={"label": "minicloud.instance"})
        return any(name.startswith("/mcbench-") for each in found for name in each["Names"])
