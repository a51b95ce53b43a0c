# SPDX-License-Identifier: Apache-2.0
"""What the scheduler knows of hosts, and when."""

from __future__ import annotations

from minicloud.db.api import aggregates, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import compute_nodes, instances
from minicloud.exception import HostNotFound
from minicloud.objects import ComputeNode, ResourceEvent
from minicloud.web.moments import now
from tests.unit.scheduler.base import SMALL, SchedulerCase


class View(SchedulerCase):
    def host_of(self, uuid: str) -> str | None:
        _, instance = self.where(uuid)
        assert instance is not None
        return instance.host

    def test_a_host_that_nobody_announced_is_found(self) -> None:
        self.add_host("h1")
        with self.api_db.writer() as conn:
            mappings.unmap_host(conn, "h1")
            for provider in placement_db.providers(conn):
                placement_db.delete_provider(conn, provider.uuid)
        self.restart()
        (uuid,) = self.boot()
        self.assertEqual("h1", self.host_of(uuid))
        with self.api_db.reader() as conn:
            self.assertEqual({"h1": self.cell.uuid}, mappings.hosts(conn))

    def test_a_host_of_no_cell_is_refused(self) -> None:
        node = ComputeNode(
            uuid="n", host="x", hypervisor_hostname="x", hypervisor_type="fake", vcpus=1, memory_mb=1, local_gb=1
        )
        self.assertRaises(HostNotFound, self.manager.compute_node_changed, self.ctxt, node)

    def test_more_capacity_is_used_at_once(self) -> None:
        node = self.add_host("h1", vcpus=1)
        self.boot()
        with self.cell.db.writer() as conn:
            node = compute_nodes.save(conn, node.replace(vcpus=2), now())
        self.manager.compute_node_changed(self.ctxt, node)
        (uuid,) = self.boot()
        self.assertEqual("h1", self.host_of(uuid))

    def test_zones_follow_aggregates_at_once(self) -> None:
        self.add_host("h1")
        self.add_host("h2")
        self.boot()
        with self.api_db.writer() as conn:
            made = aggregates.create(conn, "a", {"availability_zone": "z1"}, now())
        with self.api_db.writer() as conn:
            aggregates.change(conn, made.id, lambda one: one.replace(hosts=("h2",)), now())
        (uuid,) = self.boot(availability_zone="z1")
        _, instance = self.where(uuid)
        self.assertEqual(("h2", "z1"), (instance.host, instance.availability_zone))
        (uuid,) = self.boot(availability_zone="nova")
        self.assertEqual("h1", self.host_of(uuid))
        with self.api_db.writer() as conn:
            aggregates.delete(conn, made.id)
        (uuid,) = self.boot(availability_zone="z1")
        self.assertIsNone(self.host_of(uuid))

    def test_what_another_scheduler_released_is_seen_before_saying_no(self) -> None:
        self.add_host("h1", vcpus=1)
        (first,) = self.boot()
        with self.api_db.writer() as conn:
            placement_db.free(conn, [first])
        (second,) = self.boot()
        self.assertEqual("h1", self.host_of(second))

    def test_a_node_whose_record_was_lost_keeps_its_claims(self) -> None:
        self.add_host("h1", vcpus=1)
        self.boot()
        with self.cell.db.writer() as conn:
            compute_nodes.delete(conn, "h1")
        self.add_host("h1", vcpus=1)
        (uuid,) = self.boot()
        self.assertIsNone(self.host_of(uuid))

    def test_hints_know_servers_at_once(self) -> None:
        self.add_host("h1")
        self.add_host("h2")
        (first,) = self.boot()
        (same,) = self.boot(scheduler_hints={"same_host": [first]})
        (other,) = self.boot(scheduler_hints={"different_host": [first]})
        self.assertEqual(self.host_of(first), self.host_of(same))
        self.assertNotEqual(self.host_of(first), self.host_of(other))

    def test_events_reach_the_hosts_of_their_servers(self) -> None:
        self.add_host("h1")
        self.add_host("h2")
        uuids = self.boot(2)
        events = [ResourceEvent(name="network-changed", server_uuid=uuid) for uuid in (*uuids, "unknown")]
        self.manager.external_events(self.ctxt, events)
        got = {(host, event.server_uuid) for host, some in self.compute.events for event in some}
        self.assertEqual({(self.host_of(uuid), uuid) for uuid in uuids}, got)
        self.assertEqual(2, len(self.compute.events))


class TwoCells(SchedulerCase):
    CELLS = ("cell1", "cell2")

    def test_one_request_may_use_both(self) -> None:
        first, second = self.cells.all()
        self.add_host("h1", first, vcpus=2)
        self.add_host("h2", second, vcpus=2)
        uuids = self.boot(4)
        found = {self.where(uuid)[0] for uuid in uuids}
        self.assertEqual({first.uuid, second.uuid}, found)
        with self.api_db.reader() as conn:
            self.assertEqual({"h1": first.uuid, "h2": second.uuid}, mappings.hosts(conn))

    def test_a_retry_stays_in_its_cell(self) -> None:
        first, second = self.cells.all()
        self.add_host("h1", first)
        self.add_host("h2", second, vcpus=1)
        (uuid,) = self.boot()
        told = self.compute.told[-1]
        self.assertEqual([], told.alternates)
        self.manager.retry_build(self.ctxt, told.instance, told.spec, [], "h1", "no disk")
        mapped, instance = self.where(uuid)
        self.assertEqual((first.uuid, "error"), (mapped, instance.vm_state))
        self.assertIn("h2.node: requested: in another cell", instance.fault.details)

    def test_a_disabled_cell_gets_nothing(self) -> None:
        first, second = self.cells.all()
        self.add_host("h1", first, memory_mb=100000)
        self.add_host("h2", second)
        with self.api_db.writer() as conn:
            mappings.update_cell(conn, first.uuid, disabled=True)
        self.cells.refresh()
        self.restart()
        (uuid,) = self.boot()
        self.assertEqual(second.uuid, self.where(uuid)[0])

    def test_a_stray_left_in_another_cell_is_removed(self) -> None:
        first, second = self.cells.all()
        self.add_host("h1", first)
        (uuid,) = self.boot(flavor=SMALL)
        _, instance = self.where(uuid)
        with second.db.writer() as conn:
            instances.create(conn, instance.replace(host="gone"), now())
        self.recovery.run(age=0)
        with second.db.reader() as conn:
            self.assertEqual([], instances.find(conn, [uuid]))
        self.assertEqual("h1", self.where(uuid)[1].host)
