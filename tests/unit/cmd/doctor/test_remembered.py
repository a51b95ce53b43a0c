# SPDX-License-Identifier: Apache-2.0
"""What a cloud was started with is known to those who come later, and what cannot be removed is not forgotten."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import testtools

from minicloud import conf as configuration
from minicloud.cmd import cli, remembered
from minicloud.cmd.commands.process import Home
from minicloud.db import cell, migrate
from minicloud.db.cell import instances
from minicloud.db.session import open_database
from minicloud.virt import identity
from minicloud.web.moments import now
from tests.unit.db.test_cell import instance


class StateCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.state = self.top / "state"
        self.clouds = os.environ.get("OS_CLIENT_CONFIG_FILE")
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(self.top / "clouds.yaml")
        self.addCleanup(self._restore)

    def _restore(self) -> None:
        if self.clouds is None:
            del os.environ["OS_CLIENT_CONFIG_FILE"]
        else:
            os.environ["OS_CLIENT_CONFIG_FILE"] = self.clouds

    def settings(self, text: str = "", **options: Any) -> Any:
        path = self.top / "minicloud.conf"
        path.write_text(f"[DEFAULT]\nstate_dir = {self.state}\n{text}")
        conf = configuration.new(files=[str(path)])
        for name, value in options.items():
            conf.set_override(name, value)
        return conf

    def minicloud(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main([*arguments, "--state-dir", str(self.state)])
        return code, out.getvalue(), err.getvalue()


class TestRemembered(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.state.mkdir()

    def test_each_way_is_kept_once_and_the_latest_is_last(self) -> None:
        docker = self.settings("compute_driver = docker.DockerDriver\nhost = h\n[docker]\nurl = unix:///d.sock\n")
        fake = self.settings("host = h\n")
        for conf, hosts in ((docker, 1), (fake, 2), (docker, 1)):
            remembered.remember(conf, hosts)
        first, last = remembered.runs(self.state)
        self.assertEqual(("fake.FakeDriver", ("h-1", "h-2")), (first.driver, first.hosts))
        self.assertEqual(("docker.DockerDriver", ("h",)), (last.driver, last.hosts))
        self.assertEqual(0o600, stat.S_IMODE((self.state / remembered.FILE).stat().st_mode))
        plain = self.settings()
        last.apply(plain)
        self.assertEqual(("docker.DockerDriver", "unix:///d.sock"), (plain.compute_driver, plain.docker.url))

    def test_the_next_start_has_the_same_driver_unless_told_otherwise(self) -> None:
        remembered.stay(self.settings())
        remembered.remember(self.settings(compute_driver="docker.DockerDriver"), 1)
        for text, wanted in (("", "docker.DockerDriver"), ("compute_driver = libvirt.LibvirtDriver\n", None)):
            conf = self.settings(text)
            remembered.stay(conf)
            self.assertEqual(wanted or "libvirt.LibvirtDriver", conf.compute_driver)

    def test_a_file_that_is_damaged_is_as_none(self) -> None:
        for text in ("", "{}", '[{"options": 1}]', "\xff"):
            (self.state / remembered.FILE).write_text(text)
            self.assertEqual([], remembered.runs(self.state))
            self.assertIsNone(remembered.last(self.state))


class TestResetWithoutTheHypervisor(StateCase):
    """There is no Docker daemon where the cloud says that its own was."""

    def setUp(self) -> None:
        super().setUp()
        Home(self.state).prepare()
        self.conf = self.settings(
            "compute_driver = docker.DockerDriver\nhost = h1\n[network]\ndriver = books.BooksDriver"
        )
        self.conf.set_override("url", f"unix://{self.top}/none.sock", group="docker")
        remembered.remember(self.conf, 1)
        db = open_database(self.conf, "cell")
        self.addCleanup(db.dispose)
        migrate.sync(db, cell.MIGRATIONS)
        self.server = instance(1, host="h1")
        with db.writer() as conn:
            instances.create(conn, self.server, now())
        (self.state / "images").mkdir()
        (self.state / "docker" / "h1").mkdir(parents=True)

    def test_the_rest_is_done_and_what_is_left_is_named(self) -> None:
        code, out, err = self.minicloud("reset", "--yes")
        self.assertEqual(1, code, err)
        self.assertIn("guests of docker.DockerDriver", err)
        self.assertIn(self.server.uuid, err)
        self.assertIn(f"{self.top}/none.sock", err)
        self.assertIn("reset again", out)
        kept = {identity.FILE, remembered.FILE, ".minicloud", "docker"}
        self.assertEqual(kept, {path.name for path in self.state.iterdir()})
        whose = identity.cloud_id(self.state)

        code, _, err = self.minicloud("reset", "--yes")
        self.assertEqual(1, code)
        self.assertIn("guests of docker.DockerDriver", err)
        self.assertEqual(whose, identity.cloud_id(self.state))

    def test_runs_of_all_drivers_are_looked_after(self) -> None:
        remembered.remember(self.settings("host = h1\n"), 1)
        code, _, err = self.minicloud("reset", "--yes")
        self.assertEqual(1, code)
        self.assertIn("guests of docker.DockerDriver", err)

    def test_status_knows_the_driver(self) -> None:
        code, _, err = self.minicloud("status")
        self.assertEqual(3, code)
        self.assertIn("Guests of docker.DockerDriver go on", err)
