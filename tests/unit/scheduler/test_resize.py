# SPDX-License-Identifier: Apache-2.0
"""Hosts for servers that grow or move: claims, sizes, and what a failure leaves."""

from __future__ import annotations

from collections import Counter

from minicloud.db.api import build_requests, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, instances, moves
from minicloud.objects import Flavor, Instance, Migration
from minicloud.web.moments import now
from tests.unit.scheduler.base import SMALL, SchedulerCase

BIG = Flavor(flavorid="big", name="big", vcpus=6, memory_mb=1024, root_gb=10)


class Resize(SchedulerCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_host("a")
        (self.server,) = self.boot()
        with self.cell.db.writer() as conn:
            instances.update(conn, self.server, now(), vm_state="active", task_state="resize_prep")
            actions.start(conn, self.ctxt, [self.server], "resize", now())

    @property
    def instance(self) -> Instance:
        with self.cell.db.reader() as conn:
            return instances.get(conn, self.server)

    @property
    def migration(self) -> Migration | None:
        with self.cell.db.reader() as conn:
            return moves.open_of(conn, self.server)

    def used(self) -> dict[str, int]:
        """Host -> CPUs in use."""
        with self.api_db.reader() as conn:
            hosts = {one.uuid: one.host for one in placement_db.providers(conn)}
            found = placement_db.usages(conn)
        return {hosts[uuid]: used["VCPU"] for uuid, used in found.items() if used.get("VCPU")}

    def resize(self, flavor: Flavor = BIG, host: str | None = None) -> None:
        self.manager.resize_instance(self.ctxt, self.instance, flavor, host)

    def moved(self) -> Migration:
        self.resize()
        migration = self.migration
        assert migration is not None
        return migration

    def test_both_hosts_are_claimed(self) -> None:
        self.add_host("b", vcpus=16)
        self.restart(allow_resize_to_same_host=False)
        migration = self.moved()
        self.assertEqual({"a": SMALL.vcpus, "b": 6}, self.used())
        self.assertEqual(
            ("a", "b", "resize"), (migration.source_compute, migration.dest_compute, migration.migration_type)
        )
        self.assertEqual(
            ("a", migration),
            (
                self.compute.moves[0][0],
                self.compute.moves[0][2].replace(
                    id=migration.id, created_at=migration.created_at, updated_at=migration.updated_at
                ),
            ),
        )
        self.recovery.give_back_leaks(now())
        self.assertEqual({"a": SMALL.vcpus, "b": 6}, self.used())

    def test_the_end_gives_back_one(self) -> None:
        self.add_host("b")
        self.restart(allow_resize_to_same_host=False)
        migration = self.moved()
        for _ in range(2):
            self.manager.migration_ended(self.ctxt, migration, True)
            self.assertEqual({"b": 6}, self.used())
        with self.api_db.reader() as conn:
            self.assertEqual(6, mappings.usage(conn, "p").cores)
            spec = build_requests.spec(conn, self.server)
        self.assertEqual("big", spec.flavor.name if spec else None)

    def test_the_way_back(self) -> None:
        self.add_host("b")
        self.restart(allow_resize_to_same_host=False)
        migration = self.moved()
        for _ in range(2):
            self.manager.migration_ended(self.ctxt, migration, False)
            self.assertEqual({"a": SMALL.vcpus}, self.used())
        with self.api_db.reader() as conn:
            held = placement_db.allocations_of(conn, [self.server])
        self.assertTrue(held)

    def test_one_host_must_have_room_for_both(self) -> None:
        self.moved()
        self.assertEqual({"a": SMALL.vcpus + 6}, self.used())

    def test_no_host_leaves_all_as_it_was(self) -> None:
        with self.api_db.writer() as conn:
            mappings.set_size(conn, self.server, 99, 99)
        self.resize(BIG.replace(vcpus=99))
        one = self.instance
        self.assertEqual(("active", None, "a"), (one.vm_state, one.task_state, one.host))
        self.assertIn("No valid host was found", one.fault.message if one.fault else "")
        self.assertEqual({"a": SMALL.vcpus}, self.used())
        self.assertIsNone(self.migration)
        with self.api_db.reader() as conn:
            self.assertEqual(SMALL.vcpus, mappings.usage(conn, "p").cores)
        with self.cell.db.reader() as conn:
            action = actions.get(conn, self.server, "req-1")
        self.assertEqual(("Error", True), (action.message, action.finish_time is not None))

    def test_a_migration_never_stays(self) -> None:
        self.resize(self.instance.flavor)
        self.assertIn("No valid host", str(self.instance.fault))
        self.add_host("b")
        self.add_host("c")
        with self.cell.db.writer() as conn:
            instances.update(conn, self.server, now(), task_state="resize_prep")
        self.resize(self.instance.flavor, "c")
        migration = self.migration
        assert migration is not None
        self.assertEqual(("c", "migration"), (migration.dest_compute, migration.migration_type))

    def test_twice_is_once(self) -> None:
        self.add_host("b")
        self.resize()
        self.resize()
        self.assertEqual(1, len(self.compute.moves))
        self.assertEqual(2, sum(Counter(self.hosts_used()).values()))
