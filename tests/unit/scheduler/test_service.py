# SPDX-License-Identifier: Apache-2.0
"""The service on a transport: a message in, a host told."""

from __future__ import annotations

import queue
import time
from typing import Any

import oslo_messaging as messaging
import testtools

from minicloud import conf as configuration
from minicloud import context
from minicloud.db import api as api_package
from minicloud.db import cell as cell_package
from minicloud.db import migrate
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import compute_nodes, services
from minicloud.db.session import open_database
from minicloud.objects import CELL0_UUID, BuildRequest, CellMapping, ComputeNode, Instance, RequestSpec, ResourceEvent
from minicloud.rpc.base import Server, get_transport
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.scheduler.service import SchedulerService
from minicloud.web.moments import now
from tests.unit.scheduler.base import SMALL, sqlite_urls

CELL = "11111111-0000-0000-0000-000000000001"


class Host:
    """An endpoint that keeps what it is told."""

    STUB = ComputeStub
    target = messaging.Target(version="1.0")

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, Any]] = queue.Queue()

    def build_instance(
        self,
        ctxt: Any,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[Any],
        admin_password: str | None = None,
    ) -> None:
        self.told.put((ctxt.request_id, instance))

    def external_events(self, ctxt: Any, events: list[ResourceEvent]) -> None:
        self.told.put(("events", events))


class Service(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        urls = sqlite_urls(self)
        self.conf = configuration.new(files=[])
        mark = f"test-{id(self)}"
        top, cell = f"local:///{mark}", f"local:///{mark}-cell"
        self.conf.set_override("transport_url", top)
        self.conf.set_override("api", urls("api"), "database")
        self.api_db = open_database(self.conf, "api")
        self.addCleanup(self.api_db.dispose)
        migrate.sync(self.api_db, api_package.MIGRATIONS)
        with self.api_db.writer() as conn:
            mappings.create_cell(
                conn, CellMapping(uuid=CELL0_UUID, name="cell0", transport_url="none:///", database_url=urls("cell0"))
            )
            mappings.create_cell(conn, CellMapping(uuid=CELL, name="c", transport_url=cell, database_url=urls("cell")))
        self.service = SchedulerService(self.conf)
        for each in self.service.env.cells.with_cell0():
            migrate.sync(each.db, cell_package.MIGRATIONS)
        self.host = Host()
        self.cell_transport = get_transport(self.conf, cell)
        self.addCleanup(self.cell_transport.cleanup)
        server = Server(self.cell_transport, "compute", "h1", [self.host])
        server.start()
        self.addCleanup(server.stop)
        transport = get_transport(self.conf, top)
        self.addCleanup(transport.cleanup)
        self.stub = SchedulerStub(transport)
        self.ctxt = context.RequestContext(user_id="u", project_id="p", request_id="req-7", overwrite=False)

    def start(self) -> None:
        self.service.start()
        self.addCleanup(self.service.wait)
        self.addCleanup(self.service.stop)

    def add_host(self) -> ComputeNode:
        node = ComputeNode(
            uuid="22222222-0000-0000-0000-000000000001",
            host="h1",
            hypervisor_hostname="h1.node",
            hypervisor_type="fake",
            vcpus=8,
            memory_mb=8192,
            local_gb=100,
        )
        with self.service.env.cells.get(CELL).db.writer() as conn:
            services.report(conn, "h1", "minicloud-compute", "compute", 1, now())
            return compute_nodes.save(conn, node, now())

    def accept(self) -> BuildRequest:
        spec = RequestSpec(project_id="p", user_id="u", flavor=SMALL)
        instance = Instance(
            uuid="33333333-0000-0000-0000-000000000001",
            project_id="p",
            user_id="u",
            display_name="s",
            vm_state="building",
            flavor=SMALL,
        )
        request = BuildRequest(instance=instance, spec=spec)
        with self.api_db.writer() as conn:
            build_requests.create_all(conn, [request], "req-7", now())
            mappings.create_all(conn, [instance], now())
        return request

    def test_a_boot_reaches_a_host_that_the_cell_announced(self) -> None:
        self.start()
        SchedulerStub(self.cell_transport).compute_node_changed(self.ctxt, self.add_host())
        request = self.accept()
        self.stub.build_instances(self.ctxt, [request])
        request_id, instance = self.host.told.get(timeout=10)
        self.assertEqual(("req-7", request.instance.uuid, "h1"), (request_id, instance.uuid, instance.host))
        events = [ResourceEvent(name="network-changed", server_uuid=instance.uuid)]
        self.stub.external_events(self.ctxt, events)
        self.assertEqual(("events", events), self.host.told.get(timeout=10))

    def test_what_was_accepted_before_the_start_is_built(self) -> None:
        self.add_host()
        request = self.accept()
        self.start()
        request_id, instance = self.host.told.get(timeout=10)
        self.assertEqual(("req-7", request.instance.uuid), (request_id, instance.uuid))

    def test_stops_soon(self) -> None:
        self.start()
        began = time.monotonic()
        self.service.stop()
        self.service.wait()
        self.assertLess(time.monotonic() - began, 3.0)
