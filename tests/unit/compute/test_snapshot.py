# SPDX-License-Identifier: Apache-2.0
"""Snapshots and backups."""

from __future__ import annotations

from minicloud.db.cell import instances
from minicloud.objects import Instance
from minicloud.states import Task
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest


class Snapshots(CellTest):
    def snapshot(self, one: Instance, image_id: str = "image") -> None:
        self.images.queue(image_id)
        ctxt = self.act(one, "createImage", Task.IMAGE_SNAPSHOT_PENDING)
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), system_metadata={"snapshot_image": image_id})
        self.compute.snapshot_instance(ctxt, "h1", self.get(one), image_id)

    def backup(self, one: Instance, image_id: str, kind: str = "daily", rotation: int = 2) -> None:
        self.images.queue(image_id, image_type="backup", backup_type=kind, instance_uuid=one.uuid)
        ctxt = self.act(one, f"createBackup-{image_id}", Task.IMAGE_BACKUP)
        self.compute.backup_instance(ctxt, "h1", self.get(one), image_id, kind, rotation)
        self.until(one, task_state=None)

    def test_a_disk_becomes_an_image(self) -> None:
        self.start_host()
        one = self.built()
        self.snapshot(one)
        self.until(one, vm_state="active", task_state=None)
        self.assertIn(one.uuid.encode(), self.images.images["image"].data or b"")
        action = self.action(one, "req-createImage")
        events = [(event.event, event.result) for event in action.events]
        self.assertEqual([("compute_snapshot_instance", "Success")], events)

    def test_who_is_off_stays_off(self) -> None:
        self.start_host()
        one = self.built()
        self.compute.stop_instance(self.act(one, "stop", Task.POWERING_OFF), "h1", one)
        self.until(one, vm_state="stopped", task_state=None)
        self.snapshot(one)
        self.until(one, vm_state="stopped", task_state=None)
        self.assertIsNotNone(self.images.images["image"].data)

    def test_a_failure_leaves_the_server_and_no_image(self) -> None:
        self.start_host()
        one = self.built(metadata={"fake:fail_action": "snapshot"})
        self.snapshot(one)
        after = self.until(one, vm_state="active", task_state=None)
        self.assertEqual({}, self.images.images)
        self.assertEqual("Error", self.action(one, "req-createImage").message)
        self.assertEqual(1, after.power_state)

    def test_a_host_without_image_service_says_so(self) -> None:
        self.start_host(images=None)
        one = self.built()
        self.snapshot(one)
        self.until(one, vm_state="active", task_state=None)
        self.assertIn("no image service", self.action(one, "req-createImage").events[0].details or "")

    def test_a_restart_takes_it_again(self) -> None:
        host = self.start_host()
        one = self.built(metadata={"fake:hang": "snapshot"})
        self.snapshot(one)
        self.wait_for(lambda: self.action(one, "req-createImage").events)
        host.stop()
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), metadata={})
        self.assertIn("image", self.images.images)
        self.start_host()
        self.until(one, vm_state="active", task_state=None)
        self.assertIsNotNone(self.images.images["image"].data)
        self.assertIsNotNone(self.action(one, "req-createImage").finish_time)

    def test_old_backups_are_rotated_out(self) -> None:
        self.start_host()
        one, other = self.built(), self.built()
        self.backup(other, "others")
        self.backup(one, "weekly", "weekly")
        for image_id in ("one", "two", "three"):
            self.backup(one, image_id)
        self.assertEqual(["others", "weekly", "two", "three"], list(self.images.images))
        self.backup(one, "none", rotation=0)
        self.assertEqual(["others", "weekly"], list(self.images.images))
