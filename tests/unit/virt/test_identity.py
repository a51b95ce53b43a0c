# SPDX-License-Identifier: Apache-2.0
"""The id of a cloud: made once, whoever asks and however many at a time."""

from __future__ import annotations

import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import testtools

from minicloud import exception
from minicloud.virt import identity


class TestCloudId(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def test_is_made_once(self) -> None:
        state = self.top / "new" / "state"
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _: identity.cloud_id(state), range(32)))
        self.assertEqual(1, len(found))
        self.assertEqual([state / identity.FILE], list(state.iterdir()), "drafts are left")
        self.assertEqual(0o600, stat.S_IMODE((state / identity.FILE).stat().st_mode))
        self.assertNotIn(identity.cloud_id(self.top / "other"), found)

    def test_says_what_is_wrong(self) -> None:
        (self.top / identity.FILE).write_text("\n")
        error = self.assertRaises(exception.ConfigurationError, identity.cloud_id, self.top)
        self.assertIn(f"{self.top / identity.FILE} is empty", str(error))
        error = self.assertRaises(exception.ConfigurationError, identity.cloud_id, self.top / identity.FILE)
        self.assertIn("cannot be used", str(error))
