# SPDX-License-Identifier: Apache-2.0
"""One agent for one machine, and one cloud, as long as that one is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import testtools

from minicloud import conf as configuration
from minicloud import exception
from minicloud.builtin.network.agent import lock


class TestLock(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root gives folders to others without a helper")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def cloud(self, name: str) -> Any:
        state = self.top / name
        state.mkdir(exist_ok=True)
        (state / "runs.json").write_text("[]")
        conf = configuration.new(files=[])
        conf.set_override("state_dir", str(state))
        conf.set_override("runtime_dir", str(self.top / "run"), group="network")
        return conf

    def refusal(self, conf: Any) -> str:
        return str(self.assertRaises(exception.ConfigurationError, lock.Lock, conf))

    def test_a_cloud_that_is_down_keeps_what_is_its_own(self) -> None:
        one, two = self.cloud("one"), self.cloud("two")
        held = lock.Lock(one)
        self.assertIn("another network agent works on this machine", self.refusal(two))
        held.release()
        self.assertIn(f"reset --state-dir {self.top}/one", self.refusal(two))
        self.assertEqual((str(self.top / "one"), None), (lock.owner(two), lock.owner(one)))
        self.assertEqual((True, False), (lock.is_owner(one), lock.is_owner(two)))
        lock.Lock(one).release()

    def test_what_a_cloud_that_is_gone_had_is_the_next_one_s(self) -> None:
        one, two = self.cloud("one"), self.cloud("two")
        lock.Lock(one).release()
        shutil.rmtree(self.top / "one")
        lock.Lock(two).release()
        self.assertTrue(lock.is_owner(two))

    def test_after_a_reset_it_is_nobody_s(self) -> None:
        one, two = self.cloud("one"), self.cloud("two")
        lock.Lock(one).remove()
        self.assertFalse((self.top / "run").exists())
        lock.Lock(two).release()
