# SPDX-License-Identifier: Apache-2.0
"""Servers put away and taken out again: there, back, failures and restarts."""

from __future__ import annotations

from typing import Any

from minicloud.compute.manager.moves import shelve
from minicloud.context import admin
from minicloud.db.cell import instances
from minicloud.objects import Instance
from minicloud.states import Power, Task
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest


class ShelveTest(CellTest):
    OFFLOAD_TIME = -1

    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("shelved_offload_time", self.OFFLOAD_TIME, group="compute")
        self.one = self.start_host("h1")

    def shelve(self, server: Instance, image: str = "image") -> None:
        self.images.queue(image)
        ctxt = self.act(server, "shelve", Task.SHELVING)
        self.mark(server, shelved_image_id=image)
        self.compute.shelve_instance(ctxt, "h1", self.get(server))

    def mark(self, server: Instance, **marks: str) -> None:
        with self.db.writer() as conn:
            system = {**self.get(server).system_metadata, **marks}
            instances.update(conn, server.uuid, now(), system_metadata=system)

    def shelved(self, **values: Any) -> Instance:
        server = self.built(**values)
        self.shelve(server)
        return self.until(server, vm_state="shelved", task_state=None)

    def offloaded(self, **values: Any) -> Instance:
        server = self.shelved(**values)
        ctxt = self.act(server, "shelveOffload", Task.SHELVING_OFFLOADING)
        self.compute.shelve_offload_instance(ctxt, "h1", self.get(server))
        return self.until(server, vm_state="shelved_offloaded", task_state=None)

    def unshelve(self, server: Instance, host: str = "h1") -> None:
        """What the API, and for an offloaded server the scheduler, do."""
        ctxt = self.act(server, "unshelve", Task.UNSHELVING)
        with self.db.writer() as conn:
            instances.update(conn, server.uuid, now(), host=host, node=host)
        self.compute.unshelve_instance(ctxt, host, self.get(server))

    def guest(self, server: Instance) -> Power | None:
        return self.one.host.driver.guests().get(server.uuid)


class Shelve(ShelveTest):
    def test_it_stays_on_its_host(self) -> None:
        server = self.shelved()
        self.assertEqual(("h1", Power.SHUTDOWN, Power.SHUTDOWN), (server.host, server.power_state, self.guest(server)))
        self.assertEqual({"shelved_at", "shelved_image_id", "shelved_host"}, set(server.system_metadata))
        self.assertIn(server.uuid.encode(), self.images.images["image"].data or b"")
        action = self.action(server, "req-shelve")
        self.assertEqual(["compute_shelve_instance"], [event.event for event in action.events])
        self.assertIsNotNone(action.finish_time)
        self.unshelve(server)
        server = self.until(server, vm_state="active", task_state=None)
        self.assertEqual((Power.RUNNING, {}), (self.guest(server), server.system_metadata))
        self.wait_for(lambda: not self.images.images)

    def test_it_leaves_and_comes_back_elsewhere(self) -> None:
        two = self.start_host("h2")
        server = self.offloaded()
        ports = server.network_info
        self.assertEqual((None, None, None), (server.host, server.node, self.guest(server)))
        self.assertEqual("", self.network.hosts[server.uuid])
        self.assertTrue(ports)
        self.wait_for(lambda: [server.uuid] == self.scheduler.given_back)
        self.unshelve(server, "h2")
        server = self.until(server, vm_state="active", task_state=None, host="h2")
        self.assertEqual(Power.RUNNING, two.host.driver.guests()[server.uuid])
        self.assertEqual(("h2", ports), (self.network.hosts[server.uuid], server.network_info))
        self.assertIn("image", self.compute.get_console_output(self.ctxt, "h2", server, None))
        self.wait_for(lambda: not self.images.images)

    def test_a_snapshot_that_fails_leaves_it_running(self) -> None:
        server = self.built(metadata={"fake:fail_action": "snapshot"})
        self.shelve(server)
        self.until(server, task_state=None)
        server = self.get(server)
        self.assertEqual(("active", Power.RUNNING, {}), (server.vm_state, self.guest(server), server.system_metadata))
        self.assertIn("snapshot", server.fault.message if server.fault else "")
        self.assertEqual({}, self.images.images)
        self.assertEqual("Error", self.action(server, "req-shelve").message)

    def test_a_guest_that_cannot_be_removed_stays_shelved(self) -> None:
        server = self.shelved(metadata={"fake:fail_action": "delete"})
        ctxt = self.act(server, "shelveOffload", Task.SHELVING_OFFLOADING)
        self.compute.shelve_offload_instance(ctxt, "h1", self.get(server))
        server = self.until(server, vm_state="shelved", task_state=None, host="h1")
        self.assertEqual((Power.SHUTDOWN, []), (self.guest(server), self.scheduler.given_back))
        self.assertIn("delete", server.fault.message if server.fault else "")

    def test_who_cannot_come_back_stays_offloaded_and_has_nothing(self) -> None:
        server = self.offloaded(metadata={"fake:fail_action": "unshelve"})
        self.unshelve(server)
        self.until(server, task_state=None, vm_state="shelved_offloaded", host=None)
        self.assertIsNone(self.guest(server))
        self.assertEqual("", self.network.hosts[server.uuid])
        self.wait_for(lambda: [server.uuid] * 2 == self.scheduler.given_back)
        self.assertIn("image", self.images.images)
        self.assertEqual("Error", self.action(server, "req-unshelve").message)

    def test_a_restart_goes_on(self) -> None:
        for task, before, after in (
            (Task.SHELVING, "active", "shelved"),
            (Task.SHELVING_IMAGE, "active", "shelved"),
            (Task.SHELVING_OFFLOADING, "shelved", "shelved_offloaded"),
            (Task.UNSHELVING, "shelved", "active"),
            (Task.UNSHELVING, "shelved_offloaded", "active"),
        ):
            server = self.built() if before == "active" else self.shelved()
            self.images.queue("image")
            self.act(server, "any", task)
            self.mark(server, shelved_image_id="image")
            self.one.stop()
            with self.db.writer() as conn:
                instances.update(conn, server.uuid, now(), vm_state=before)
            self.one = self.start_host("h1")
            self.until(server, task_state=None, vm_state=after)
            self.images.images.clear()

    def test_an_image_that_has_its_data_is_kept_after_a_restart(self) -> None:
        server = self.built()
        self.images.queue("image")
        self.images.upload(self.ctxt, "image", [b"data"])
        ctxt = self.act(server, "shelve", Task.SHELVING_IMAGE)
        self.mark(server, shelved_image_id="image")
        self.compute.shelve_instance(ctxt, "h1", self.get(server))
        self.until(server, vm_state="shelved", task_state=None)
        self.assertEqual(b"data", self.images.images["image"].data)


class AtOnce(ShelveTest):
    OFFLOAD_TIME = 0

    def test_one_action_does_both(self) -> None:
        server = self.built()
        self.shelve(server)
        self.until(server, vm_state="shelved_offloaded", task_state=None, host=None)
        action = self.action(server, "req-shelve")
        self.assertEqual(
            ["compute_shelve_instance", "compute_shelve_offload_instance"], [event.event for event in action.events]
        )
        self.assertIsNotNone(action.finish_time)


class Later(ShelveTest):
    OFFLOAD_TIME = 60

    def test_the_oldest_leave(self) -> None:
        old, new = self.shelved(), self.shelved()
        self.mark(old, shelved_at="2020-01-01T00:00:00")
        shelve.offload_old(self.one.host, admin())
        self.assertEqual(("shelved_offloaded", None), (self.get(old).vm_state, self.get(old).task_state))
        self.assertEqual("shelved", self.get(new).vm_state)
