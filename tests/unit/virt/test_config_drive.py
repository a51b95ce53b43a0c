# SPDX-License-Identifier: Apache-2.0
"""The config drive's disk, read back by a library and by another program."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

import pycdlib
import testtools

from minicloud.virt.config_drive import write_iso

FILES = {
    "openstack/latest/meta_data.json": b'{"uuid": "1"}',
    "openstack/latest/vendor_data2.json": b"{}",
    "openstack/2012-08-10/meta_data.json": b"{}",
    "openstack/content/0000": b"#!/bin/sh\n",
    "ec2/latest/meta-data.json": bytes(range(256)) * 4096,
    "empty": b"",
}


class ConfigDriveTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "disk.config"

    def read(self, **which: str) -> bytes:
        iso = pycdlib.PyCdlib()
        iso.open(str(self.path))
        data = BytesIO()
        try:
            iso.get_file_from_iso_fp(data, **which)
        finally:
            iso.close()
        return data.getvalue()

    def test_every_file_is_there_by_both_extensions(self) -> None:
        write_iso(self.path, FILES)
        for name, data in FILES.items():
            self.assertEqual(data, self.read(rr_path=f"/{name}"))
            self.assertEqual(data, self.read(joliet_path=f"/{name}"))

    def test_the_label_is_what_guests_look_for(self) -> None:
        write_iso(self.path, FILES)
        # Volume identifier of the primary descriptor: sector 16, bytes 40 to 71 (ECMA-119, 8.4.7).
        raw = self.path.read_bytes()[16 * 2048 + 40 : 16 * 2048 + 72]
        self.assertEqual(b"config-2", raw.rstrip())

    def test_only_the_owner_reads_it(self) -> None:
        mask = os.umask(0)
        self.addCleanup(os.umask, mask)
        write_iso(self.path, FILES)
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))

    def test_another_takes_its_place(self) -> None:
        write_iso(self.path, FILES)
        write_iso(self.path, {"openstack/latest/user_data": b"new"})
        self.assertEqual(b"new", self.read(rr_path="/openstack/latest/user_data"))
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_a_path_that_leaves_the_disk_is_refused(self) -> None:
        for name in ("../etc/passwd", "/etc/passwd", "a/../../b", "", "a b", "a/\0", "x" * 65):
            self.assertRaises(ValueError, write_iso, self.path, {name: b""})
        self.assertEqual([], list(self.folder.iterdir()))

    def test_a_file_is_no_folder(self) -> None:
        self.assertRaises(ValueError, write_iso, self.path, {"a": b"1", "a/b": b"2"})

    def test_nothing_is_left_of_one_that_failed(self) -> None:
        self.path.mkdir()  # which a file cannot replace
        self.assertRaises(OSError, write_iso, self.path, FILES)
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_another_program_reads_it(self) -> None:
        if not shutil.which("isoinfo"):
            self.skipTest("isoinfo is not installed (package genisoimage)")
        write_iso(self.path, FILES)
        for extension in ("-R", "-J"):
            listed = subprocess.run(
                ["isoinfo", extension, "-f", "-i", str(self.path)], capture_output=True, text=True, check=True
            ).stdout.split()
            self.assertTrue({f"/{name}" for name in FILES} <= set(listed), listed)
            shown = subprocess.run(
                ["isoinfo", extension, "-i", str(self.path), "-x", "/openstack/latest/meta_data.json"],
                capture_output=True,
                check=True,
            ).stdout
            self.assertEqual(FILES["openstack/latest/meta_data.json"], shown)
