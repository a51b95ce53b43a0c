# SPDX-License-Identifier: Apache-2.0
"""What is left in the cache of images by those who died is told from what is being made."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import testtools

from minicloud.virt.images import leftovers, locks


class TestLeftovers(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)
        self.partial = self.cache / "partial"

    def make(self, *names: str) -> None:
        self.partial.mkdir(exist_ok=True)
        for name in names:
            (self.partial / name).write_bytes(b"part")

    def found(self) -> list[str]:
        return [path.name for path in leftovers.find(self.cache)]

    def test_nothing_where_there_is_no_cache(self) -> None:
        self.assertEqual([], list(leftovers.find(self.cache / "none")))
        self.assertFalse((self.cache / "none").exists())

    def test_parts_of_the_dead_are_found_and_removed(self) -> None:
        self.make("a.1.source", ".a.1.qcow2.part", "a.1.lock", "b.2.source")
        before = sorted(path.name for path in self.partial.iterdir())
        self.assertEqual(before, sorted(self.found()))
        self.assertEqual(before, sorted(path.name for path in self.partial.iterdir()), "looking changes nothing")
        for path in list(leftovers.find(self.cache)):
            self.assertTrue(leftovers.remove(path))
        self.assertEqual([], list(self.partial.iterdir()))

    def test_the_lock_of_an_image_that_is_there_is_right(self) -> None:
        self.make("a.1.lock", "a.1.source")
        (self.cache / "a.1.qcow2").write_bytes(b"whole")
        self.assertEqual(["a.1.source"], self.found())
        self.assertTrue(leftovers.remove(self.partial / "a.1.source"))
        self.assertEqual([], self.found())
        self.assertTrue((self.partial / "a.1.lock").exists())

    def test_what_somebody_is_at_stays(self) -> None:
        self.make("a.1.source")
        with locks.held(self.partial / "a.1.lock", threading.Event()):
            self.assertEqual([], self.found())
            self.assertFalse(leftovers.remove(self.partial / "a.1.source"))
            self.assertTrue((self.partial / "a.1.source").exists())
        self.assertEqual(["a.1.lock", "a.1.source"], self.found())
