# SPDX-License-Identifier: Apache-2.0
"""Tars of images, good ones and hostile ones."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path

import testtools

from minicloud.virt.docker import archive

MOST = 1 << 20

MANIFEST = {"Config": "c.json", "RepoTags": ["busybox:latest"], "Layers": ["l/layer.tar"]}


def tar(*files: tuple[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as made:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def saved(manifest: object = None, *more: tuple[str, bytes]) -> bytes:
    text = json.dumps([MANIFEST] if manifest is None else manifest).encode()
    return tar(("c.json", b"{}"), ("l/layer.tar", b"x" * 1000), ("manifest.json", text), *more)


class ArchiveTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "image"

    def examine(self, data: bytes, most: int = MOST) -> archive.Contents:
        self.path.write_bytes(data)
        return archive.examine(self.path, most)

    def refused(self, data: bytes, most: int = MOST) -> str:
        return str(self.assertRaises(archive.BadArchive, self.examine, data, most))

    def renamed(self, data: bytes) -> tarfile.TarFile:
        contents = self.examine(data)
        return tarfile.open(fileobj=io.BytesIO(b"".join(archive.renamed(self.path, contents))))

    def test_a_root_file_system_has_no_manifest(self) -> None:
        contents = self.examine(tar(("./bin/sh", b"12345"), ("etc/manifest.json", b"[]")))
        self.assertEqual((None, 7, False), (contents.manifest, contents.size, contents.has_init))
        self.assertTrue(self.examine(tar(("./sbin/init", b"12345"))).has_init)

    def test_a_saved_image_has_one_compressed_or_not(self) -> None:
        for data in (saved(), gzip.compress(saved())):
            self.assertEqual(MANIFEST, self.examine(data).manifest)

    def test_what_is_no_tar_is_refused(self) -> None:
        for data in (b"", b"QFI\xfb" + b"\0" * 4096, b"hello", gzip.compress(b"hello"), saved()[:700]):
            self.refused(data)

    def test_damaged_compression_is_refused(self) -> None:
        data = bytearray(gzip.compress(saved(None, ("l/more", bytes(range(256)) * 400))))
        data[200:220] = b"\xff" * 20
        self.refused(bytes(data))

    def test_what_follows_the_first_part_of_compressed_data_is_seen(self) -> None:
        data = saved()
        self.assertIn("bytes together", self.refused(gzip.compress(data[:1024]) + gzip.compress(data[1024:]), 500))

    def test_a_damaged_header_is_not_the_end(self) -> None:
        self.refused(saved()[:-10240].rstrip(b"\0")[:1024] + b"x" * 1024)

    def test_names_that_climb_out_are_refused(self) -> None:
        for name in ("../x", "a/../../x", "/etc/passwd"):
            self.assertIn("outside", self.refused(tar((name, b"x"))))

    def test_more_than_there_is_room_for_is_refused(self) -> None:
        self.assertIn("more than 500 bytes", self.refused(saved(), 500))

    def test_a_bomb_is_refused_before_it_is_unpacked(self) -> None:
        head = tarfile.TarInfo("zeros")
        head.size = 1 << 40
        self.assertIn("bytes together", self.refused(gzip.compress(head.tobuf() + b"\0" * (1 << 16))))

    def test_headers_that_fill_the_memory_are_refused(self) -> None:
        for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE):
            head = tarfile.TarInfo("x")
            head.type, head.size = kind, 1 << 33
            self.assertIn("header", self.refused(head.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096))

    def test_manifests_that_make_no_sense_are_refused(self) -> None:
        for manifest in (
            {},
            [],
            ["x"],
            [MANIFEST, MANIFEST],
            [{**MANIFEST, "Config": 1}],
            [{**MANIFEST, "Layers": "l/layer.tar"}],
            [{**MANIFEST, "Config": "../../etc/shadow"}],
            [{**MANIFEST, "Layers": ["/etc/shadow"]}],
            [{**MANIFEST, "Layers": ["manifest.json"]}],
        ):
            self.refused(saved(manifest))
        self.assertIn("no JSON", self.refused(tar(("manifest.json", b"[{"))))
        self.assertIn("no JSON", self.refused(tar(("manifest.json", b"[" * 100_000))))

    def test_oci_archives_are_told_what_to_do(self) -> None:
        self.assertIn("skopeo", self.refused(tar(("oci-layout", b"{}"), ("index.json", b"{}"))))

    def test_an_image_loses_every_name_it_had(self) -> None:
        data = saved(
            None,
            ("repositories", b'{"busybox": {"latest": "x"}}'),
            ("index.json", b"{}"),
            ("./oci-layout", b"{}"),
            ("manifest.json/x", b"{}"),
        )
        with self.renamed(data) as found:
            self.assertEqual(["c.json", "l/layer.tar", "manifest.json"], found.getnames())
            (manifest,) = json.load(found.extractfile("manifest.json"))
            self.assertEqual(b"x" * 1000, found.extractfile("l/layer.tar").read())
        self.assertEqual({**MANIFEST, "RepoTags": None}, manifest)

    def test_long_names_and_links_stay(self) -> None:
        name = "d" * 90 + "/" + "f" * 120
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as made:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "../l/layer.tar"
            made.addfile(link)
            file = tarfile.TarInfo(name)
            file.size = 3
            made.addfile(file, io.BytesIO(b"abc"))
            text = json.dumps([MANIFEST]).encode()
            file = tarfile.TarInfo("manifest.json")
            file.size = len(text)
            made.addfile(file, io.BytesIO(text))
        with self.renamed(buffer.getvalue()) as found:
            self.assertEqual("../l/layer.tar", found.getmember("link").linkname)
            self.assertEqual(b"abc", found.extractfile(name).read())
