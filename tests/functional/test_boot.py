# SPDX-License-Identifier: Apache-2.0
"""Scheduler, conductor and hosts together: a server's whole life without the API."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from minicloud.db import api as api_package
from minicloud.db import cell as cell_package
from minicloud.db import migrate
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import instances
from minicloud.db.session import open_database
from minicloud.objects import CELL0_UUID, BuildRequest, CellMapping, Instance
from minicloud.rpc.base import get_transport
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.scheduler.recovery import Recovery
from minicloud.scheduler.service import SchedulerService
from minicloud.web.moments import now
from tests.unit.compute.suite import FLAVOR, CellTest, spec


class Boots(CellTest):
    """The cell of the unit tests, with the real scheduler and three hosts."""

    HAS_SCHEDULER = True

    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("transport_url", f"local:///{uuid.uuid4()}")
        self.api_db = open_database(self.conf, "api")
        self.addCleanup(self.api_db.dispose)
        migrate.sync(self.api_db, api_package.MIGRATIONS)
        cell0 = f"sqlite:///{self.folder}/cell0.sqlite"
        with self.api_db.writer() as conn:
            for one in (
                CellMapping(uuid=CELL0_UUID, name="cell0", transport_url="none:///", database_url=cell0),
                CellMapping(uuid=str(uuid.uuid4()), name="c", transport_url=self.url, database_url=str(self.db.url)),
            ):
                mappings.create_cell(conn, one)
        scheduler = SchedulerService(self.conf)
        self.env = scheduler.env
        self.cells = scheduler.env.cells
        migrate.sync(self.cells.cell0.db, cell_package.MIGRATIONS)
        scheduler.start()
        self.addCleanup(scheduler.wait)
        self.addCleanup(scheduler.stop)
        transport = get_transport(self.conf)
        self.addCleanup(transport.cleanup)
        self.stub = SchedulerStub(transport)
        self.hosts = [self.start_host(name) for name in ("h1", "h2", "h3")]
        self.wait_for(lambda: self.count("resource_providers") == 3)

    def count(self, table: str) -> int:
        with self.api_db.reader() as conn:
            return int(conn.scalar(sa.text(f"SELECT COUNT(*) FROM {table}")) or 0)

    def boot(self, **metadata: str) -> Instance:
        """What the API does."""
        one = Instance(
            uuid=str(uuid.uuid4()),
            project_id="p",
            user_id="u",
            display_name="web",
            vm_state="building",
            task_state="scheduling",
            flavor=FLAVOR,
            metadata=metadata,
            created_at=now(),
        )
        request = BuildRequest(instance=one, spec=spec(attempts=0))
        with self.api_db.writer() as conn:
            build_requests.create_all(conn, [request], str(self.ctxt.request_id), now())
            mappings.create_all(conn, [one], now())
        self.stub.build_instances(self.ctxt, [request])
        return one

    def find(self, one: Instance) -> Instance | None:
        for cell in self.cells.with_cell0():
            with cell.db.reader() as conn:
                if found := instances.find(conn, [one.uuid]):
                    return found[0]
        return None

    def ends(self, one: Instance, state: str) -> Instance:
        def ended() -> Any:
            found = self.find(one)
            return found is not None and found.task_state is None and found.vm_state == state

        try:
            self.wait_for(ended)
        except AssertionError:
            raise AssertionError(f"not {state} but {self.find(one)}") from None
        found = self.find(one)
        assert found is not None
        return found

    def guests(self) -> dict[str, str]:
        return {guest: host.host.name for host in self.hosts for guest in host.host.driver.guests()}

    def test_a_life(self) -> None:
        one = self.ends(self.boot(), "active")
        self.assertEqual({one.uuid: one.host}, self.guests())
        self.delete(one)
        self.until(one, deleted=True)
        self.wait_for(lambda: self.count("allocations") == 0)
        self.assertEqual(({}, {}), (self.guests(), self.network.ports))

    def test_another_host_takes_over(self) -> None:
        one = self.ends(self.boot(**{"fake:fail_builds": "2"}), "active")
        self.assertEqual({one.uuid: one.host}, self.guests())
        results = [(event.result, event.host) for event in self.action(one).events if event.event.startswith("compute")]
        self.assertEqual(["Error", "Error", "Success"], [result for result, _ in results])
        self.assertEqual(3, len({host for _, host in results}))

    def test_no_host_is_left(self) -> None:
        one = self.ends(self.boot(**{"fake:fail_action": "build"}), "error")
        self.assertIn("Exceeded maximum number of retries", one.fault.message if one.fault else "")
        self.assertEqual(({}, {}), (self.guests(), self.network.ports))
        self.wait_for(lambda: self.count("allocations") == 0)

    def test_a_host_that_restarts_in_a_build_is_told_again(self) -> None:
        one = self.boot(**{"fake:hang": "build"})
        self.wait_for(lambda: (found := self.find(one)) is not None and found.task_state == "spawning")
        found = self.find(one)
        assert found is not None
        (host,) = [host for host in self.hosts if host.host.name == found.host]
        host.stop()
        with self.db.writer() as conn:
            instances.update(conn, one.uuid, now(), metadata={})
        again = self.start_host(str(found.host))
        self.hosts[self.hosts.index(host)] = again
        self.wait_for(lambda: (now_ := self.find(one)) is not None and now_.task_state in (None, "scheduling"))
        Recovery(self.env).run(age=0.0)
        self.ends(one, "active")
        self.assertEqual({one.uuid: found.host}, self.guests())

    def test_many(self) -> None:
        many = [self.boot() for _ in range(40)]
        for one in many:
            self.ends(one, "active")
        self.assertEqual(40, len(self.guests()))
        for one in many:
            self.delete(self.get(one))
        for one in many:
            self.until(one, deleted=True)
        self.wait_for(lambda: self.count("allocations") == 0)
        self.assertEqual(({}, {}), (self.guests(), self.network.ports))
