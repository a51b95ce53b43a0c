# SPDX-License-Identifier: Apache-2.0
"""The first images, and how compute sees them."""

from __future__ import annotations

import stat

from oslo_utils.imageutils import format_inspector

from minicloud import exception
from minicloud.builtin.image.bootstrap import bootstrap
from minicloud.clients.image import BuiltinImages
from tests.unit.builtin.image.base import ImageTest, context


class BootstrapTest(ImageTest):
    def test_twice_is_once(self) -> None:
        first = bootstrap(self.conf, self.db, owner="adm")
        self.assertEqual(first, bootstrap(self.conf, self.db, owner="adm", service=self.service))
        self.assertEqual({"tiny", "tiny-alt"}, set(self.names("bob")))
        image = self.show(first, "bob")
        self.assertEqual(
            ("tiny", "active", "public", "adm"), tuple(image[k] for k in ("name", "status", "visibility", "owner"))
        )

    def test_the_disk_is_a_sound_qcow2(self) -> None:
        path = self.service.data.path(context("admin"), bootstrap(self.conf, self.db, owner="adm"))
        inspector = format_inspector.detect_file_format(str(path))
        assert inspector is not None
        inspector.safety_check()
        self.assertEqual(("qcow2", 16 << 20), (inspector.NAME, inspector.virtual_size))

    def test_files_are_private(self) -> None:
        bootstrap(self.conf, self.db, owner="adm")
        root = self.service.store.root
        for path in (root, *root.rglob("*")):
            self.assertEqual(0, stat.S_IMODE(path.stat().st_mode) & 0o077, str(path))


class ClientTest(ImageTest):
    def setUp(self) -> None:
        super().setUp()
        self.client = BuiltinImages(self.service)
        self.ctxt = context("alice")

    def test_get(self) -> None:
        image_id = self.active(os_distro="foo", min_ram=64, min_disk=1)
        image = self.client.get(self.ctxt, image_id)
        self.assertEqual(
            (image_id, "active", 4, 64, 1), (image.id, image.status, image.size, image.min_ram, image.min_disk)
        )
        self.assertEqual({"os_distro": "foo"}, image.properties)
        for ctxt, wanted in ((context("bob"), image_id), (self.ctxt, "nope"), (self.ctxt, "x" * 36)):
            self.assertRaises(exception.ImageNotFound, self.client.get, ctxt, wanted)

    def test_a_snapshot(self) -> None:
        values = {"name": "snap", "disk_format": "raw", "container_format": "bare", "instance_uuid": "u", "min_disk": 1}
        image = self.client.create(self.ctxt, values)
        self.assertRaises(exception.ImageUnacceptable, self.client.download, self.ctxt, image.id)
        self.client.upload(self.ctxt, image.id, [b"da", b"ta"])
        self.assertEqual(b"data", b"".join(self.client.download(self.ctxt, image.id)))
        changed = self.client.set_properties(self.ctxt, image.id, {"instance_uuid": None, "x": "1", "nope": None})
        self.assertEqual({"x": "1"}, changed.properties)
        self.assertEqual([image.id], [found.id for found in self.client.find(self.ctxt, {"name": ["snap"]})])
        self.assertRaises(exception.ImageNotFound, self.client.delete, context("bob"), image.id)
        self.client.delete(self.ctxt, image.id)
        self.assertEqual([], self.client.find(self.ctxt))
