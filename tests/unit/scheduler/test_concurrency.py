# SPDX-License-Identifier: Apache-2.0
"""Fifty boots at once never take more than there is, on every database."""

from __future__ import annotations

from collections.abc import Callable

from minicloud.db.api import placement as placement_db
from minicloud.objects import CELL0_UUID
from minicloud.scheduler.host_view import HostView
from minicloud.scheduler.manager import SchedulerManager
from minicloud.scheduler.selection import Selector
from minicloud.scheduler.tasks.base import Environment
from tests.unit.scheduler.base import SchedulerCase, server_urls


class Sqlite(SchedulerCase):
    BOOTS = 50

    def boot_all(self, **spec: object) -> tuple[list[str], list[str]]:
        """(servers with a host, servers in cell0) after many requests at the same time."""
        requests = [self.accept(1, **spec) for _ in range(self.BOOTS)]
        managers = [self.manager, self.second_scheduler()]
        self.in_parallel(
            lambda number: managers[number % 2].build_instances(self.ctxt, requests[number]), len(requests)
        )
        uuids = [one.instance.uuid for request in requests for one in request]
        buried = [uuid for uuid in uuids if self.where(uuid)[0] == CELL0_UUID]
        return [uuid for uuid in uuids if uuid not in buried], buried

    def second_scheduler(self) -> SchedulerManager:
        view = HostView(self.conf, self.api_db, self.cells)
        env = Environment(self.conf, self.api_db, self.cells, view, Selector(self.conf), "scheduler-2")
        return SchedulerManager(env)

    def test_room_for_thirty(self) -> None:
        for number in range(10):
            self.add_host(f"h{number}", vcpus=3)
        placed, buried = self.boot_all()
        self.assertEqual((30, 20), (len(placed), len(buried)))
        self.assert_whole(placed)
        self.assertEqual({3}, set(self.hosts_used().values()))
        with self.api_db.reader() as conn:
            for used in placement_db.usages(conn).values():
                self.assertEqual(3, used["VCPU"])

    def test_anti_affinity_holds(self) -> None:
        for number in range(10):
            self.add_host(f"h{number}", vcpus=100, memory_mb=100000, local_gb=1000)
        group = self.add_group("anti-affinity", max_server_per_host=2)
        placed, buried = self.boot_all(server_group=group)
        self.assertEqual((20, 30), (len(placed), len(buried)))
        self.assertEqual({2}, set(self.hosts_used().values()))
        self.assert_whole(placed)

    def test_affinity_holds(self) -> None:
        for number in range(4):
            self.add_host(f"h{number}", vcpus=20)
        group = self.add_group("affinity")
        placed, _ = self.boot_all(server_group=group)
        self.assertEqual(1, len(self.hosts_used()))
        # Memory is the bound: 8192 MiB are 16 servers of 512.
        self.assertEqual(16, len(placed))


class MariaDB(Sqlite):
    BOOTS = 50

    def urls(self) -> Callable[[str], str]:
        return server_urls(self, "mysql+pymysql://root@127.0.0.1:3306")


class PostgreSQL(Sqlite):
    def urls(self) -> Callable[[str], str]:
        return server_urls(self, "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
