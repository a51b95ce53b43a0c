# SPDX-License-Identifier: Apache-2.0
"""The cache: once for all, never half, never too much, never what is in use."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicloud import conf, exception
from minicloud.virt.driver import Cancelled
from minicloud.virt.images import ImageCache, Step, convert
from tests.unit.virt.images.base import ImagesTest, OneImage

MIB = 1 << 20


def raw(content: bytes = b"r", size: int = MIB) -> OneImage:
    return OneImage(content * (size // len(content)), disk_format="raw")


def _fetch_and_die(folder: Path, image: OneImage) -> None:
    image.before = lambda: os._exit(9)
    ImageCache(folder, max_bytes=MIB).fetch(image, threading.Event())


def _fetch_slowly(folder: Path, image: OneImage, answer: Any) -> None:
    image.before = lambda: time.sleep(0.002)
    got = ImageCache(folder, max_bytes=1 << 30).fetch(image, threading.Event())
    answer.put((image.reads, got.path.read_bytes() == image.data))


def _place(cache: ImageCache) -> tuple[Path, int]:
    return cache.folder, cache.max_bytes


class CacheTest(ImagesTest):
    def setUp(self) -> None:
        super().setUp()
        self.root = self.folder / "cache"

    def cache(self, max_bytes: int = 1 << 30, **options: Any) -> ImageCache:
        return ImageCache(self.root, max_bytes=max_bytes, **options)

    def refused(self, image: OneImage, **options: Any) -> str:
        error = self.assertRaises(exception.ImageUnacceptable, self.cache(**options).fetch, image, self.cancelled)
        self.assertEqual([], self.cache().entries())
        self.assertEqual([], self.left())
        return str(error)

    def left(self) -> list[str]:
        """What is half done, whose locks are not."""
        return [path.name for path in (self.root / "partial").iterdir() if path.suffix != ".lock"]

    def test_once(self) -> None:
        image, cache = OneImage(self.disk()), self.cache()
        got = cache.fetch(image, self.cancelled)
        self.assertEqual(("qcow2", MIB), (got.format, got.virtual_size))
        self.assertEqual(got, cache.fetch(image, self.cancelled))
        self.assertEqual(got, self.cache().fetch(image, self.cancelled))
        self.assertEqual(1, image.reads)
        self.assertEqual([], self.left())
        self.assertEqual(0o600, got.path.stat().st_mode & 0o777)

    def test_content_of_all_formats(self) -> None:
        content = os.urandom(100_000)
        for name, driver in (("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi"), ("vhdx", "vhdx"), ("vhd", "vpc")):
            got = self.cache().fetch(OneImage(self.disk(driver, content), disk_format=name), self.cancelled)
            self.assertEqual("qcow2", got.format)
            self.qemu_img("convert", "-f", "qcow2", "-O", "raw", str(got.path), "out")
            out = (self.folder / "out").read_bytes()
            self.assertEqual(content, out[: len(content)], name)
            self.assertEqual(got.virtual_size, len(out))

    def test_compressed(self) -> None:
        got = self.cache().fetch(OneImage(self.disk("qcow2", b"x" * 500_000, "-c")), self.cancelled)
        self.assertEqual(MIB, got.virtual_size)

    def test_raw_stays(self) -> None:
        image = raw()
        got = self.cache().fetch(image, self.cancelled)
        self.assertEqual(("raw", MIB), (got.format, got.virtual_size))
        self.assertEqual(image.data, got.path.read_bytes())

    def test_other_data_is_another_file(self) -> None:
        one = raw()
        other = OneImage(b"o" * MIB, id=one.id, disk_format="raw")
        cache = self.cache()
        self.assertNotEqual(cache.fetch(one, self.cancelled).path, cache.fetch(other, self.cancelled).path)

    def test_hostile_id(self) -> None:
        got = self.cache().fetch(OneImage(b"r" * MIB, id="../../etc/cron.d/x", disk_format="raw"), self.cancelled)
        self.assertEqual(self.root, got.path.parent)

    def test_hostile(self) -> None:
        self.qemu_img("create", "-q", "-f", "raw", "secret", "1M")
        self.qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self.folder / "secret"), "overlay")
        self.assertIn("backing file", self.refused(OneImage((self.folder / "overlay").read_bytes())))
        self.assertIn("said to be raw", self.refused(OneImage(self.disk(), disk_format="raw")))

    def test_damaged_behind_the_header(self) -> None:
        data = bytearray(self.disk())
        (table,) = struct.unpack(">Q", data[40:48])
        data[table : table + 8] = struct.pack(">Q", 0x8000000000000200)  # not where a cluster may begin
        self.assertIn("cannot be converted", self.refused(OneImage(bytes(data))))

    def test_wrong_checksum(self) -> None:
        self.assertIn("SHA512", self.refused(OneImage(self.disk(), os_hash_value=hashlib.sha512(b"").hexdigest())))

    def test_too_large_a_disk(self) -> None:
        huge = bytearray(self.disk())
        huge[24:32] = struct.pack(">Q", 1 << 50)
        self.assertIn("are allowed", self.refused(OneImage(bytes(huge))))
        self.assertIn("are allowed", self.refused(raw(), max_virtual_size=MIB - 1))

    def test_larger_than_the_flavor(self) -> None:
        cache, image = self.cache(), raw()
        cache.fetch(image, self.cancelled, max_virtual_size=MIB)
        self.assertRaises(exception.ImageUnacceptable, cache.fetch, image, self.cancelled, max_virtual_size=MIB - 1)
        self.assertEqual(1, len(cache.entries()), "it is good for other flavors")

    def test_limits_of_the_conversion(self) -> None:
        image = OneImage(self.disk())
        self.refused(image, limits=convert.Limits(memory=32 * MIB))

    def test_cancelled_while_it_converts(self) -> None:
        image = OneImage(self.disk())

        def stop(step: Step) -> None:
            if step.what == "converting":
                self.cancelled.set()

        slow = self.folder / "bin"
        slow.mkdir()
        (slow / "qemu-img").write_text("#!/bin/sh\nexec sleep 60\n")
        (slow / "qemu-img").chmod(0o755)
        before = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", before)
        os.environ["PATH"] = f"{slow}:{before}"
        began = time.monotonic()
        self.assertRaises(Cancelled, self.cache().fetch, image, self.cancelled, stop)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual([], self.left())
        self.assertEqual([], self.cache().entries())

    def test_cancelled_while_another_fetches(self) -> None:
        image, waiting = raw(), threading.Event()
        image.before = lambda: waiting.wait(20) and None
        other = threading.Thread(target=self.cache().fetch, args=(image, threading.Event()))
        other.start()
        self.addCleanup(other.join)
        self.addCleanup(waiting.set)
        while not image.reads:
            time.sleep(0.01)
        steps: list[Step] = []

        def report(step: Step) -> None:
            steps.append(step)
            self.cancelled.set()

        self.assertRaises(Cancelled, self.cache().fetch, image, self.cancelled, report)
        self.assertEqual([Step("waiting")], steps)

    def test_many_processes_fetch_once(self) -> None:
        context = multiprocessing.get_context("fork")
        answers: Any = context.Queue()
        image = raw()
        workers = [context.Process(target=_fetch_slowly, args=(self.root, image, answers)) for _ in range(4)]
        for each in workers:
            each.start()
        got = [answers.get(timeout=30) for _ in workers]
        for each in workers:
            each.join(30)
        self.assertEqual([(0, True)] * 3 + [(1, True)], sorted(got))

    def test_crash_half_way(self) -> None:
        image = raw()
        worker = multiprocessing.get_context("fork").Process(target=_fetch_and_die, args=(self.root, image))
        worker.start()
        worker.join(30)
        self.assertEqual(9, worker.exitcode)
        self.assertNotEqual([], self.left())
        cache = self.cache()
        self.assertEqual([], self.left(), "the next start removes it")
        self.assertEqual([], cache.entries())
        self.assertEqual(image.data, cache.fetch(image, self.cancelled).path.read_bytes())

    def aged(self, cache: ImageCache, *images: OneImage) -> list[Path]:
        """Their files, the first asked for longest ago."""
        paths = [cache.fetch(each, self.cancelled).path for each in images]
        for age, path in enumerate(reversed(paths), 1):
            os.utime(path, (time.time() - age * 1000,) * 2)
        return paths

    def test_least_recently_used_goes(self) -> None:
        old, new, newest = raw(b"1"), raw(b"2"), raw(b"3")
        cache = self.cache(2 * MIB + 100_000, grace=500)
        paths = self.aged(cache, old, new)
        cache.fetch(old, self.cancelled)
        third = cache.fetch(newest, self.cancelled).path
        self.assertEqual([paths[0], third], [each.path for each in cache.entries()])
        self.assertEqual(1, old.reads)

    def eviction(self, keep: Callable[[Path], bool], **options: Any) -> list[Path]:
        cache = self.cache(MIB + 100_000, in_use=keep, **options)
        self.aged(cache, raw(b"1"), raw(b"2"))
        cache.fetch(raw(b"3"), self.cancelled)
        return [each.path for each in cache.entries()]

    def test_eviction_spares_what_is_in_use(self) -> None:
        self.assertEqual(3, len(self.eviction(lambda path: True, grace=500)))

    def test_eviction_of_all_that_is_not(self) -> None:
        self.assertEqual(1, len(self.eviction(lambda path: False, grace=500)))

    def test_eviction_spares_what_was_just_asked_for(self) -> None:
        self.assertEqual(3, len(self.eviction(lambda path: False, grace=5000)))

    def test_links_hold_a_file(self) -> None:
        cache = self.cache(MIB + 100_000, grace=500)
        got = cache.fetch(raw(b"1"), self.cancelled)
        link = got.link(self.folder / "disk.base")
        self.assertEqual(link.stat().st_ino, got.path.stat().st_ino)
        os.utime(got.path, (0, 0))
        cache.fetch(raw(b"2"), self.cancelled)
        self.assertTrue(got.path.exists())
        self.assertTrue(cache.entries()[0].is_in_use)
        self.assertFalse(cache.remove(cache.entries()[0]))
        link.unlink()
        os.utime(got.path, (0, 0))
        cache.fetch(raw(b"3"), self.cancelled)
        self.assertFalse(got.path.exists())

    def test_configuration(self) -> None:
        options = conf.new(files=[])
        options.set_override("state_dir", str(self.folder))
        self.assertEqual((self.folder / "image_cache", 20 << 30), _place(ImageCache.of(options)))
        options.set_override("path", str(self.root), group="image_cache")
        options.set_override("max_size_gb", 0, group="image_cache")
        self.assertEqual((self.root, 0), _place(ImageCache.of(options)))

    def test_remove(self) -> None:
        cache = self.cache()
        cache.fetch(raw(), self.cancelled)
        (entry,) = cache.entries()
        self.assertTrue(cache.remove(entry))
        self.assertEqual([], cache.entries())
        self.assertEqual([], list((self.root / "partial").iterdir()))

    def test_backing_file_of_a_guest(self) -> None:
        """An overlay upon the link can be opened, and shows the image's data."""
        got = self.cache().fetch(OneImage(self.disk("qcow2", b"base")), self.cancelled)
        got.link(self.folder / "disk.base")
        self.qemu_img("create", "-q", "-f", "qcow2", "-F", got.format, "-b", "disk.base", "disk")
        self.qemu_img("convert", "-f", "qcow2", "-O", "raw", "disk", "out")
        self.assertEqual(b"base", (self.folder / "out").read_bytes()[:4])
        subprocess.run(["qemu-img", "check", "disk"], check=True, capture_output=True, cwd=self.folder, timeout=60)
