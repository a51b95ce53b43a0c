# SPDX-License-Identifier: Apache-2.0
"""The passwords of a cloud: made once, kept for the owner."""

from __future__ import annotations

import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import testtools

from minicloud.cmd import credentials


class TestPasswords(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = Path(folder.name) / "state"
        self.path = self.state / "passwords.json"

    def test_made_once(self) -> None:
        made = credentials.load_or_create(self.state)
        self.assertEqual({"admin", "demo", "minicloud"}, set(made))
        self.assertEqual(3, len(set(made.values())))
        self.assertTrue(all(len(password) >= 20 for password in made.values()))
        self.assertEqual(made, credentials.load_or_create(self.state))

    def test_for_the_owner_alone(self) -> None:
        credentials.load_or_create(self.state)
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual([self.path], list(self.state.iterdir()), "no draft is left")

    def test_at_the_same_time(self) -> None:
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _: credentials.load_or_create(self.state), range(64)))
        self.assertTrue(all(one == found[0] for one in found))

    def test_something_else_is_not_overwritten(self) -> None:
        self.state.mkdir()
        for text in ("", "{", "[]", "null", '{"admin": "a"}', '{"admin": "", "demo": "d", "minicloud": "s"}'):
            self.path.write_text(text)
            error = self.assertRaises(credentials.CorruptPasswords, credentials.load_or_create, self.state)
            self.assertIn(str(self.path), str(error))
            self.assertEqual(text, self.path.read_text())
