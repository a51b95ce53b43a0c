# SPDX-License-Identifier: Apache-2.0
"""An image service of one image, and real disks to put into it."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import testtools

from minicloud.objects import Image

CHUNK = 4096


class OneImage:
    """An image whose service tells what the test wants to be told."""

    def __init__(self, data: bytes, **told: Any) -> None:
        values: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "status": "active",
            "size": len(data),
            "disk_format": "qcow2",
            "container_format": "bare",
            "checksum": hashlib.md5(data).hexdigest(),
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(data).hexdigest(),
        }
        self.info = Image(**{**values, **told})
        self.data = data
        self.reads = 0
        #: Called before each piece.
        self.before: Callable[[], None] = lambda: None

    @property
    def id(self) -> str:
        return self.info.id

    def read(self) -> Iterator[bytes]:
        self.reads += 1
        for start in range(0, len(self.data), CHUNK):
            self.before()
            yield self.data[start : start + CHUNK]


class ImagesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.cancelled = threading.Event()

    def qemu_img(self, *arguments: str) -> None:
        try:
            subprocess.run(["qemu-img", *arguments], check=True, capture_output=True, cwd=self.folder, timeout=60)
        except FileNotFoundError:
            self.skipTest("there is no qemu-img")

    def disk(self, name: str = "qcow2", content: bytes = b"minicloud" * 1000, *options: str) -> bytes:
        """A disk of 1 MiB in some format that begins with this content."""
        raw, made = self.folder / "source.raw", self.folder / "source.disk"
        raw.write_bytes(content.ljust(1 << 20, b"\0"))
        self.qemu_img("convert", "-f", "raw", "-O", name, *options, str(raw), str(made))
        return made.read_bytes()
