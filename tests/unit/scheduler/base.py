# SPDX-License-Identifier: Apache-2.0
"""A cloud's databases, hosts that remember what they were told, and a scheduler over them."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
import testtools

from minicloud import conf as configuration
from minicloud import context, exception
from minicloud.cells import Cell, Cells
from minicloud.db import api as api_package
from minicloud.db import cell as cell_package
from minicloud.db import migrate
from minicloud.db.api import build_requests, mappings, server_groups
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import actions, compute_nodes, instances, services
from minicloud.db.session import Database
from minicloud.objects import (
    CELL0_UUID,
    BuildRequest,
    CellMapping,
    ComputeNode,
    Flavor,
    HostChoice,
    Instance,
    Migration,
    MigrationSource,
    RequestSpec,
    ResourceEvent,
    ServerGroup,
)
from minicloud.scheduler.host_view import HostView
from minicloud.scheduler.manager import SchedulerManager
from minicloud.scheduler.recovery import Recovery
from minicloud.scheduler.selection import Selector
from minicloud.scheduler.tasks.base import Environment
from minicloud.web.moments import now

SMALL = Flavor(flavorid="1", name="m1.small", vcpus=1, memory_mb=512, root_gb=1)


class Told(NamedTuple):
    """A message a host got."""

    host: str
    instance: Instance
    spec: RequestSpec
    alternates: list[HostChoice]
    admin_password: str | None = None


class FakeCompute:
    """The hosts of a cell, as far as the scheduler sees them."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.moves: list[tuple[str, Instance, Migration]] = []
        #: Hosts that live migrations cannot leave or reach.
        self.refusing: set[str] = set()
        self.unshelved: list[tuple[str, Instance]] = []
        self.events: list[tuple[str, list[ResourceEvent]]] = []
        self._lock = threading.Lock()

    def build_instance(
        self,
        ctxt: Any,
        host: str,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        admin_password: str | None = None,
    ) -> None:
        with self._lock:
            self.told.append(Told(host, instance, spec, alternates, admin_password))

    def resize_instance(self, ctxt: Any, host: str, instance: Instance, migration: Migration) -> None:
        self.moves.append((host, instance, migration))

    def unshelve_instance(self, ctxt: Any, host: str, instance: Instance) -> None:
        self.unshelved.append((host, instance))

    def migration_source(self, ctxt: Any, host: str, instance: Instance) -> MigrationSource:
        if host in self.refusing:
            raise exception.GuestNotFound(instance_uuid=instance.uuid)
        return MigrationSource(driver="fake")

    def check_destination(
        self, ctxt: Any, host: str, instance: Instance, source: MigrationSource, block: bool | None
    ) -> bool:
        if host in self.refusing:
            raise exception.MigrationPreCheckError(reason=f"{host} does not want it")
        return block is not False

    def live_migrate_instance(
        self, ctxt: Any, host: str, instance: Instance, migration: Migration, block: bool
    ) -> None:
        self.moves.append((host, instance, migration))

    def evacuate_instance(self, ctxt: Any, host: str, instance: Instance, migration: Migration, stop: bool) -> None:
        self.moves.append((host, instance, migration))

    def external_events(self, ctxt: Any, host: str, events: list[ResourceEvent]) -> None:
        self.events.append((host, events))


class FakeCells(Cells):
    """Cells with real databases whose hosts are :class:`FakeCompute`."""

    def _open(self, mapping: CellMapping, known: Cell | None) -> Cell:
        if known is not None and known.mapping == mapping:
            return known
        db = Database(mapping.database_url, name=mapping.name)
        compute: Any = None if mapping.is_cell0 else FakeCompute()
        return Cell(mapping, db, None, compute)


def sqlite_urls(case: testtools.TestCase) -> Callable[[str], str]:
    """Names of databases -> URLs of files that go with the test."""
    folder = tempfile.TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    return lambda name: f"sqlite:///{folder.name}/{name}.sqlite"


def prepare(db: Database, migrations: Path) -> None:
    """Make the tables: by the migrations, or as a copy of a file that they made before."""
    template = Path(_templates.name, migrations.parent.name)
    if not db.is_sqlite or not db.url.database:
        migrate.sync(db, migrations)
        return
    if not template.exists():
        made = Database(f"sqlite:///{template}.new")
        migrate.sync(made, migrations)
        made.dispose()  # the last connection folds the log into the file
        Path(f"{template}.new").rename(template)
    db.dispose()
    shutil.copy(template, db.url.database)


_templates = tempfile.TemporaryDirectory()


def server_urls(case: testtools.TestCase, server: str) -> Callable[[str], str]:
    """The same on a database server; each test has its own databases."""
    mark = uuid.uuid4().hex[:10]

    def url(name: str) -> str:
        database = f"sched_{mark}_{name}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as conn:
                conn.exec_driver_sql(f"CREATE DATABASE {database}")
        except Exception as error:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                raise
            case.skipTest(f"no database server at {sa.make_url(server).host}: {error}")
        case.addCleanup(_drop, engine, database)
        return sa.make_url(server).set(database=database).render_as_string(hide_password=False)

    return url


def _drop(engine: sa.Engine, database: str) -> None:
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE {database}")
    engine.dispose()


class SchedulerCase(testtools.TestCase):
    """A cell with some hosts; ``self.manager`` is what messages would reach."""

    CELLS = ("cell1",)

    def setUp(self) -> None:
        super().setUp()
        self.conf = configuration.new(files=[])
        self.conf.set_override("recovery_age", 0.0, "scheduler")
        urls = self.urls()
        self.api_db = Database(urls("api"), name="api")
        self.addCleanup(self.api_db.dispose)
        prepare(self.api_db, api_package.MIGRATIONS)
        self.cells = FakeCells(self.conf, self.api_db)
        self._map_cell(CellMapping(uuid=CELL0_UUID, name="cell0", transport_url="none:///", database_url=urls("cell0")))
        for name in self.CELLS:
            self._map_cell(CellMapping(uuid=self.uuid(), name=name, transport_url="x://", database_url=urls(name)))
        self.addCleanup(self.cells.close)
        for cell in self.cells.with_cell0():
            prepare(cell.db, cell_package.MIGRATIONS)
        self.cell = self.cells.all()[0]
        self.ctxt = context.RequestContext(user_id="u", project_id="p", request_id="req-1", overwrite=False)
        self.restart()

    def urls(self) -> Callable[[str], str]:
        return sqlite_urls(self)

    def restart(self, **options: Any) -> None:
        """A new scheduler, which knows nothing yet."""
        for name, value in options.items():
            group = "scheduler" if name in self.conf.scheduler else "filter_scheduler"
            self.conf.set_override(name, value, group)
        view = HostView(self.conf, self.api_db, self.cells)
        self.env = Environment(self.conf, self.api_db, self.cells, view, Selector(self.conf), "scheduler-1")
        self.manager = SchedulerManager(self.env)
        self.recovery = Recovery(self.env)

    def _map_cell(self, cell: CellMapping) -> None:
        with self.api_db.writer() as conn:
            mappings.create_cell(conn, cell)

    @staticmethod
    def uuid() -> str:
        return str(uuid.uuid4())

    # --- hosts ---

    def add_host(self, name: str, cell: Cell | None = None, **values: Any) -> ComputeNode:
        base = ComputeNode(
            uuid=self.uuid(),
            host=name,
            hypervisor_hostname=f"{name}.node",
            hypervisor_type="fake",
            vcpus=8,
            memory_mb=8192,
            local_gb=100,
            cpu_allocation_ratio=1.0,
        )
        cell = cell or self.cell
        with cell.db.writer() as conn:
            services.report(conn, name, "minicloud-compute", "compute", 1, now())
            node = compute_nodes.save(conn, base.replace(**values), now())
        self.manager.compute_node_changed(self.ctxt, node)
        return node

    def set_service(self, host: str, **changes: Any) -> None:
        with self.cell.db.writer() as conn:
            (service,) = services.find(conn, host=host)
            services.update(conn, service.uuid, now(), **changes)

    def host_state(self, host: str) -> Any:
        return next(one for one in self.env.view.hosts() if one.host == host)

    # --- servers ---

    def accept(self, count: int = 1, **spec: Any) -> list[BuildRequest]:
        """What the API does before it casts."""
        wanted = RequestSpec(**{"project_id": "p", "user_id": "u", "flavor": SMALL, "num_instances": count, **spec})
        requests = [
            BuildRequest(
                spec=wanted,
                instance=Instance(
                    uuid=self.uuid(),
                    project_id="p",
                    user_id="u",
                    display_name="s",
                    vm_state="building",
                    task_state="scheduling",
                    flavor=wanted.flavor,
                    created_at=now(),
                ),
            )
            for _ in range(count)
        ]
        with self.api_db.writer() as conn:
            build_requests.create_all(conn, requests, "req-1", now())
            mappings.create_all(conn, [one.instance for one in requests], now())
            if wanted.server_group:
                server_groups.add_members(conn, wanted.server_group, [one.instance.uuid for one in requests])
        return requests

    def boot(self, count: int = 1, **spec: Any) -> list[str]:
        requests = self.accept(count, **spec)
        self.manager.build_instances(self.ctxt, requests)
        return [one.instance.uuid for one in requests]

    def delete_request(self, uuid: str) -> None:
        """What the API does when a server is deleted before it has a host."""
        with self.api_db.writer() as conn:
            if build_requests.delete_all(conn, [uuid]):
                mappings.queue_for_delete(conn, uuid)

    def add_group(self, policy: str, **rules: int) -> str:
        group = ServerGroup(uuid=self.uuid(), name="g", project_id="p", user_id="u", policy=policy, rules=rules)
        with self.api_db.writer() as conn:
            server_groups.create(conn, group, now())
        return group.uuid

    # --- what became of it ---

    @property
    def compute(self) -> FakeCompute:
        compute: Any = self.cell.compute
        return compute

    def where(self, uuid: str) -> tuple[str | None, Instance | None]:
        """(cell, instance) by the mapping."""
        with self.api_db.reader() as conn:
            mapped = mappings.get(conn, uuid).cell_uuid
        if mapped is None:
            return None, None
        with self.cells.get(mapped).db.reader() as conn:
            found = instances.find(conn, [uuid])
        return mapped, found[0] if found else None

    def hosts_used(self) -> Counter[str]:
        """Host -> servers with claims there, by the database."""
        with self.api_db.reader() as conn:
            hosts = {one.uuid: one.host for one in placement_db.providers(conn)}
            rows = conn.execute(sa.text("SELECT DISTINCT consumer_uuid, provider_uuid FROM allocations")).all()
        return Counter(hosts[row[1]] for row in rows)

    def assert_whole(self, uuids: Iterable[str]) -> None:
        """Each server has exactly one claim, one instance on the host of the claim, one message, no request."""
        with self.api_db.reader() as conn:
            self.assertEqual([], build_requests.find(conn))
            providers = {one.uuid: one for one in placement_db.providers(conn)}
        for one in uuids:
            with self.api_db.reader() as conn:
                held = {row.provider_uuid for row in placement_db.allocations_of(conn, [one])}
            mapped, instance = self.where(one)
            assert instance is not None
            self.assertEqual([instance.host], [providers[uuid].host for uuid in held])
            self.assertEqual([mapped], [providers[uuid].cell_uuid for uuid in held])
            self.assertIn(instance.host, [told.host for told in self.compute.told if told.instance.uuid == one])
            with self.cells.get(mapped).db.reader() as conn:
                self.assertEqual(["create"], [action.action for action in actions.list_for(conn, one)])

    def in_parallel(self, work: Callable[[int], None], count: int) -> None:
        errors: list[BaseException] = []

        def guarded(number: int) -> None:
            try:
                work(number)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], errors)

    def fault(self, uuid: str) -> str:
        _, instance = self.where(uuid)
        assert instance is not None and instance.fault is not None, exception.InstanceNotFound(instance_id=uuid)
        return instance.fault.message
