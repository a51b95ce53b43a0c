# SPDX-License-Identifier: Apache-2.0
"""A download is whole and right, or leaves nothing."""

from __future__ import annotations

import hashlib

from minicloud import exception
from minicloud.virt.driver import Cancelled
from minicloud.virt.images import Step, download
from tests.unit.virt.images.base import CHUNK, ImagesTest, OneImage

DATA = bytes(range(256)) * 100


class DownloadTest(ImagesTest):
    def setUp(self) -> None:
        super().setUp()
        self.to = self.folder / "image"

    def refused(self, image: OneImage) -> str:
        error = self.assertRaises(exception.ImageUnacceptable, download, image, self.to, self.cancelled)
        self.assertEqual([], list(self.folder.iterdir()))
        return str(error)

    def test_whole(self) -> None:
        steps: list[Step] = []
        download(OneImage(DATA), self.to, self.cancelled, steps.append)
        self.assertEqual(DATA, self.to.read_bytes())
        self.assertEqual(0o600, self.to.stat().st_mode & 0o777)
        self.assertEqual([self.to], list(self.folder.iterdir()))
        self.assertEqual(Step("downloading", CHUNK, len(DATA)), steps[0])
        self.assertEqual(Step("downloading", len(DATA), len(DATA)), steps[-1])

    def test_strong_hash_counts(self) -> None:
        image = OneImage(DATA, os_hash_value=hashlib.sha512(b"other").hexdigest())
        self.assertIn("SHA512", self.refused(image))

    def test_md5_when_there_is_no_other(self) -> None:
        wrong = hashlib.md5(b"other").hexdigest()
        self.assertIn(wrong, self.refused(OneImage(DATA, os_hash_value=None, checksum=wrong)))
        self.assertIn("MD5", self.refused(OneImage(DATA, os_hash_algo="unheard-of", checksum=wrong)))

    def test_no_hash_at_all(self) -> None:
        download(OneImage(DATA, checksum=None, os_hash_value=None), self.to, self.cancelled)
        self.assertEqual(DATA, self.to.read_bytes())

    def test_truncated(self) -> None:
        self.assertIn("only 25600 of its 25601 bytes", self.refused(OneImage(DATA, size=len(DATA) + 1)))

    def test_too_long_is_noticed_at_once(self) -> None:
        image = OneImage(DATA, size=10)
        pieces: list[None] = []
        image.before = lambda: pieces.append(None)
        self.assertIn("more than its 10 bytes", self.refused(image))
        self.assertEqual(1, len(pieces))

    def test_a_host_takes_only_so_much(self) -> None:
        with self.assertRaisesRegex(exception.ImageUnacceptable, "25599 bytes at most"):
            download(OneImage(DATA), self.to, self.cancelled, most=len(DATA) - 1)
        download(OneImage(DATA), self.to, self.cancelled, most=len(DATA))

    def test_without_data(self) -> None:
        self.assertIn("queued", self.refused(OneImage(b"", status="queued")))

    def test_cancelled(self) -> None:
        image = OneImage(DATA)
        image.before = self.cancelled.set
        self.assertRaises(Cancelled, download, image, self.to, self.cancelled)
        self.assertEqual([], list(self.folder.iterdir()))

    def test_service_fails_half_way(self) -> None:
        image = OneImage(DATA)

        def fail() -> None:
            raise exception.ServiceUnavailable(reason="gone")

        image.before = fail
        self.assertRaises(exception.ServiceUnavailable, download, image, self.to, self.cancelled)
        self.assertEqual([], list(self.folder.iterdir()))

    def test_what_was_there_stays_until_then(self) -> None:
        self.to.write_bytes(b"before")
        self.assertRaises(exception.ImageUnacceptable, download, OneImage(DATA, size=1), self.to, self.cancelled)
        self.assertEqual(b"before", self.to.read_bytes())
        download(OneImage(DATA), self.to, self.cancelled)
        self.assertEqual(DATA, self.to.read_bytes())
