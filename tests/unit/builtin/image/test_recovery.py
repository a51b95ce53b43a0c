# SPDX-License-Identifier: Apache-2.0
"""What a start makes of what the last stop cut short."""

from __future__ import annotations

from minicloud import exception
from minicloud.builtin.image import records
from minicloud.builtin.image.db import images, tasks
from minicloud.builtin.image.service import ImageService
from minicloud.web import moments
from tests.unit.builtin.image.base import ImageTest, context


class RecoveryTest(ImageTest):
    def _put(self, status: str, *route: str) -> str:
        """An image that got as far as a status."""
        image_id = self.image()
        have = records.QUEUED
        with self.db.writer() as conn:
            for want in (*route, status):
                self.assertTrue(images.change_status(conn, image_id, want, (have,)))
                have = want
        return image_id

    def _restart(self) -> ImageService:
        self.service.close()
        service = ImageService(self.conf, self.db)
        self.addCleanup(service.close)
        return service

    def _status(self, service: ImageService, image_id: str) -> str:
        return service.images.get(context("alice"), image_id).status

    def test_halfway_images_are_queued_again(self) -> None:
        store = self.service.store
        (store.root / "partial" / "left.behind").write_bytes(b"x")
        saving = self._put(records.SAVING)
        importing = self._put(records.IMPORTING)
        lost = self._put(records.UPLOADING)
        store.write(saving, [b"never said to be there"], 100)
        store.write(importing, [b"staged"], 100, staged=True)
        service = self._restart()
        for image_id in (saving, importing, lost):
            self.assertEqual(records.QUEUED, self._status(service, image_id))
        self.assertEqual(set(), self.files())
        service.data.upload(context("alice"), saving, [b"again"])

    def test_what_is_whole_stays(self) -> None:
        active, staged = self.active(), self.image()
        self.ok("alice", "PUT", f"/v2/images/{staged}/stage", b"staged")
        service = self._restart()
        self.assertEqual(records.ACTIVE, self._status(service, active))
        self.assertEqual(records.UPLOADING, self._status(service, staged))
        self.assertEqual({active, f"staging/{staged}"}, self.files())

    def test_deletes_are_finished(self) -> None:
        image_id = self.active()
        with self.db.writer() as conn:
            images.change_status(conn, image_id, records.PENDING_DELETE, (records.ACTIVE,))
        self.refused(404, "alice", "GET", f"/v2/images/{image_id}")
        self.assertEqual([], self.names("admin"))
        service = self._restart()
        self.assertEqual(set(), self.files())
        self.assertRaises(exception.ImageNotFound, service.images.get, context("admin"), image_id)
        service.images.create(context("alice"), {"id": image_id})

    def test_tasks_that_ran_have_failed(self) -> None:
        moment = moments.now()
        with self.db.writer() as conn:
            tasks.add(conn, records.TaskRecord(id="t", image_id="i", created_at=moment, updated_at=moment))
        self.assertEqual("failure", self._restart().imports.get("t").status)

    def test_a_second_process_leaves_the_first_ones_work_alone(self) -> None:
        saving = self._put(records.SAVING)
        (self.service.store.root / "partial" / "being.written").write_bytes(b"x")
        second = ImageService(self.conf, self.db)
        self.addCleanup(second.close)
        self.assertEqual(records.SAVING, self._status(second, saving))
        self.assertEqual({"partial/being.written"}, self.files())
