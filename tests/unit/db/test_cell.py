# SPDX-License-Identifier: Apache-2.0
"""The cell's repositories on a real SQLite file."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import testtools

from minicloud import context, exception
from minicloud.db import cell, migrate
from minicloud.db.cell import actions, instances, listing
from minicloud.db.session import Database
from minicloud.objects import Fault, Flavor, Instance, InstanceUpdate
from minicloud.web.moments import now


def instance(number: int, **values: object) -> Instance:
    flavor = Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=64, root_gb=1)
    base = Instance(
        uuid=f"00000000-0000-0000-0000-{number:012}",
        project_id="p",
        user_id="u",
        display_name=f"server-{number}",
        vm_state="building",
        task_state="scheduling",
        flavor=flavor,
    )
    return base.replace(**values)


class CellDatabase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.db = Database(f"sqlite:///{folder.name}/cell.sqlite")
        self.addCleanup(self.db.dispose)
        migrate.sync(self.db, cell.MIGRATIONS)
        self.ctxt = context.RequestContext(user_id="u", project_id="p", request_id="req-1")

    def add(self, *added: Instance) -> None:
        with self.db.writer() as conn:
            instances.create_all(conn, added, now())
            actions.start(conn, self.ctxt, [one.uuid for one in added], "create", now())

    def test_comes_back_as_it_was_written(self) -> None:
        written = instance(1, metadata={"a": "b"}, tags=("x", "y"), image_properties={"os": 1}, created_at=now())
        self.add(written)
        with self.db.reader() as conn:
            self.assertEqual(written, instances.get(conn, written.uuid))

    def test_a_step_is_compare_and_swap_with_its_events(self) -> None:
        one = instance(1)
        self.add(one)
        step = InstanceUpdate(
            uuid=one.uuid,
            changes={"task_state": "networking", "host": "h1", "launched_at": "2026-01-02T03:04:05.6"},
            expected_task_states=("scheduling",),
            start_event="compute_build",
        )
        with self.db.writer() as conn:
            after = instances.apply(conn, step, "req-1", now())
        self.assertEqual(("networking", "h1", 600000), (after.task_state, after.host, after.launched_at.microsecond))
        with self.db.writer() as conn:
            self.assertRaises(exception.UnexpectedState, instances.apply, conn, step, "req-1", now())
        last = InstanceUpdate(
            uuid=one.uuid,
            changes={"task_state": None, "vm_state": "error"},
            expected_task_states=("networking", None),
            fault=Fault(code=500, message="no", created_at=now()),
            finish_event="compute_build",
            event_result="Error",
            finish_action=True,
        )
        with self.db.writer() as conn:
            after = instances.apply(conn, last, "req-1", now())
            action = actions.get(conn, one.uuid, "req-1")
        self.assertEqual("no", after.fault.message)
        self.assertEqual(("Error", "Error", "h1"), (action.message, action.events[0].result, action.events[0].host))
        self.assertIsNotNone(action.finish_time)

    def test_only_one_of_many_wins_a_swap(self) -> None:
        one = instance(1, vm_state="active", task_state=None)
        self.add(one)
        won: list[int] = []

        def swap(number: int) -> None:
            try:
                with self.db.writer() as conn:
                    instances.update(
                        conn, one.uuid, now(), expected_task_states=[None], task_state="powering-off", host=str(number)
                    )
                won.append(number)
            except exception.UnexpectedState:
                pass

        threads = [threading.Thread(target=swap, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(1, len(won))

    def test_sixteen_writers_lose_nothing(self) -> None:
        one = instance(1, metadata={"count": "0"})
        self.add(one)

        def count() -> None:
            for _ in range(10):
                with self.db.writer() as conn:
                    instances.change_metadata(conn, one.uuid, lambda old: {"count": str(int(old["count"]) + 1)}, now())

        threads = [threading.Thread(target=count) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self.db.reader() as conn:
            self.assertEqual({"count": "160"}, instances.get(conn, one.uuid).metadata)

    def test_pages_filters_and_orders(self) -> None:
        self.add(*(instance(n, host=None if n % 3 else f"h{n}", tags=("odd",) if n % 2 else ()) for n in range(1, 8)))

        def names(**query: object) -> list[int]:
            with self.db.reader() as conn:
                found = listing.find(conn, listing.InstanceQuery(**query))
            return [int(one.display_name.split("-")[1]) for one in found]

        self.assertEqual([1, 3, 5, 7], sorted(names(filters={"tags": ["odd"]})))
        self.assertEqual([2, 4, 6], sorted(names(filters={"not-tags": ["odd"]})))
        self.assertEqual([3], names(filters={"name": "er-3$"}))
        for sort in ((("host", False),), (("host", True),), (("display_name", True),)):
            whole = names(sort=sort)
            self.assertEqual(7, len(whole))
            pages: list[int] = []
            after = None
            while True:
                with self.db.reader() as conn:
                    page = listing.find(conn, listing.InstanceQuery(sort=sort, limit=2, after=after))
                if not page:
                    break
                after = page[-1]
                pages += [int(one.display_name.split("-")[1]) for one in page]
            self.assertEqual(whole, pages)

    def test_deleted_is_kept_for_those_who_ask(self) -> None:
        one = instance(1)
        self.add(one)
        with self.db.writer() as conn:
            self.assertIsNotNone(instances.destroy(conn, one.uuid, now()))
            self.assertIsNone(instances.destroy(conn, one.uuid, now()))
            self.assertRaises(exception.InstanceNotFound, instances.get, conn, one.uuid)
            self.assertEqual("deleted", instances.get(conn, one.uuid, deleted=True).vm_state)


class Migrations(testtools.TestCase):
    def test_the_head_is_read_without_importing(self) -> None:
        self.assertTrue(migrate.head(Path(cell.MIGRATIONS)))
