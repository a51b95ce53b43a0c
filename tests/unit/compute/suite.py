# SPDX-License-Identifier: Apache-2.0
"""A cell in one process: a conductor on SQLite, compute hosts on fake hypervisors, and neighbours with state."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oslo_messaging as messaging
import testtools

from minicloud import conf, context, exception
from minicloud.compute.service import ComputeService
from minicloud.conductor.service import ConductorService
from minicloud.context import RequestContext
from minicloud.db import cell, migrate
from minicloud.db.cell import actions, instances
from minicloud.db.session import Database
from minicloud.objects import (
    ComputeNode,
    FixedIp,
    Flavor,
    HostChoice,
    Image,
    Instance,
    InstanceAction,
    Migration,
    NetworkRequest,
    PortOwner,
    RequestSpec,
    ResourceEvent,
    Vif,
)
from minicloud.rpc.base import Server, get_transport
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.web.moments import now

FLAVOR = Flavor(flavorid="1", name="m1.nano", vcpus=1, memory_mb=64, root_gb=1)


def spec(**values: Any) -> RequestSpec:
    return RequestSpec(**{"project_id": "p", "user_id": "u", "flavor": FLAVOR, "attempts": 1, **values})


class FakeNetwork:
    """Ports of servers, in memory."""

    def __init__(self) -> None:
        self.ports: dict[str, list[Vif]] = {}
        self.kept: set[str] = set()
        self.hosts: dict[str, str] = {}
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]:
        if self.error is not None:
            raise self.error
        with self._lock:
            if owner.uuid not in self.ports:
                self.ports[owner.uuid] = [self._port(request) for request in requests or [NetworkRequest()]]
            return self.ports[owner.uuid]

    def attach(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        request: NetworkRequest,
        security_groups: list[str],
    ) -> Vif:
        if self.error is not None:
            raise self.error
        with self._lock:
            mac = f"fa:16:3e:00:01:{len(self.ports[owner.uuid]):02x}"
            new = self._port(request).replace(mac_address=mac)
            self.ports[owner.uuid] = [*self.ports[owner.uuid], new]
            return new

    def detach(self, ctxt: RequestContext, instance_uuid: str, port_id: str) -> None:
        with self._lock:
            self.ports[instance_uuid] = [vif for vif in self.ports[instance_uuid] if vif.port_id != port_id]

    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None:
        self.hosts[instance_uuid] = host

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        with self._lock:
            gone = self.ports.pop(instance_uuid, [])
            self.kept.update(vif.port_id for vif in gone if vif.port_id in keep)

    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        return {one: self.ports[one] for one in instance_uuids if one in self.ports}

    @staticmethod
    def _port(request: NetworkRequest) -> Vif:
        return Vif(
            port_id=request.port_id or str(uuid.uuid4()),
            network_id="net",
            network_name="private",
            mac_address="fa:16:3e:00:00:01",
            fixed_ips=(FixedIp(address="10.0.0.5", subnet_id="sub"),),
            active=True,
            created_by_compute=request.port_id is None,
        )


@dataclass
class FakeImage:
    id: str
    properties: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None


class FakeImages:
    """Images in memory, in the order of their making."""

    def __init__(self) -> None:
        self.images: dict[str, FakeImage] = {}

    def queue(self, image_id: str, **properties: str) -> None:
        self.images[image_id] = FakeImage(image_id, properties)

    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        if image_id not in self.images:
            raise exception.ImageNotFound(image_id=image_id)
        if self.images[image_id].data is not None:
            raise exception.Conflict()
        self.images[image_id].data = b"".join(chunks)

    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        if self.images.pop(image_id, None) is None:
            raise exception.ImageNotFound(image_id=image_id)

    def get(self, ctxt: RequestContext, image_id: str) -> Image:
        if image_id not in self.images:
            raise exception.ImageNotFound(image_id=image_id)
        status = "queued" if self.images[image_id].data is None else "active"
        return Image(id=image_id, status=status)

    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> list[FakeImage]:
        wanted = {key: values[0] for key, values in (filters or {}).items() if not key.startswith("sort")}
        return [one for one in reversed(self.images.values()) if wanted.items() <= one.properties.items()]


class FakeScheduler:
    """Keeps what it was told."""

    target = messaging.Target(version="1.0")

    def __init__(self) -> None:
        self.retries: list[dict[str, Any]] = []
        self.released: list[str] = []
        self.moves: list[tuple[str, bool]] = []
        self.given_back: list[str] = []
        self.nodes: list[ComputeNode] = []

    def build_instances(self, ctxt: RequestContext, requests: list[Any], admin_password: str | None = None) -> None:
        raise AssertionError("a compute host does not ask for that")

    def retry_build(
        self,
        ctxt: RequestContext,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        failed_host: str,
        reason: str,
        admin_password: str | None = None,
    ) -> None:
        told = {"instance": instance, "spec": spec, "host": failed_host, "reason": reason}
        self.retries.append({**told, "admin_password": admin_password})

    def resize_instance(self, ctxt: RequestContext, instance: Instance, flavor: Flavor, host: str | None) -> None:
        raise AssertionError("a compute host does not ask for that")

    def migration_ended(self, ctxt: RequestContext, migration: Migration, arrived: bool) -> None:
        self.moves.append((migration.uuid, arrived))

    def give_back(self, ctxt: RequestContext, instance_uuid: str) -> None:
        self.given_back.append(instance_uuid)

    def release(self, ctxt: RequestContext, instance_uuid: str) -> None:
        self.released.append(instance_uuid)

    def compute_node_changed(self, ctxt: RequestContext, node: ComputeNode) -> None:
        self.nodes.append(node)

    def external_events(self, ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        raise AssertionError("a compute host does not ask for that")


class CellTest(testtools.TestCase):
    """A conductor, and hosts as the test starts them."""

    #: Whether the test brings a real scheduler.
    HAS_SCHEDULER = False

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.set_up_in(Path(folder.name))

    def set_up_in(self, folder: Path) -> None:
        """All but the hosts, with its state in a folder."""
        self.folder = folder
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", str(folder))
        self.conf.set_override("host", "controller")
        self.conf.set_override("rpc_response_timeout", 20)
        self.db = Database(self.database_url())
        self.addCleanup(self.db.dispose)
        migrate.sync(self.db, cell.MIGRATIONS)
        self.url = self.transport_url()
        self.transport = get_transport(self.conf, self.url)
        self.addCleanup(self.transport.cleanup)
        self.network: FakeNetwork = FakeNetwork()
        self.images = FakeImages()
        self.scheduler = FakeScheduler()
        if not self.HAS_SCHEDULER:
            scheduler = Server(self.transport, SchedulerStub.TOPIC, "scheduler", [self.scheduler])
            scheduler.start()
            self.addCleanup(scheduler.stop)
        self.start_conductor()
        self.compute = ComputeStub(self.transport)
        self.ctxt = context.RequestContext(user_id="u", project_id="p", request_id="req-create")

    def transport_url(self) -> str:
        return f"local:///{uuid.uuid4()}"

    def database_url(self) -> str:
        return f"sqlite:///{self.folder}/cell.sqlite"

    def start_conductor(self) -> None:
        self.conductor = ConductorService(self.conf, self.db, self.transport)
        self.conductor.start()
        self.addCleanup(self.conductor.stop)

    def start_host(self, name: str = "h1", **seams: Any) -> ComputeService:
        seams.setdefault("images", self.images)
        service = ComputeService(self.conf, name, self.transport, self.network, **seams)
        service.start()
        self.addCleanup(service.stop)
        return service

    # --- what the API and the scheduler do -------------------------------------------------

    def new_instance(self, host: str = "h1", **values: Any) -> Instance:
        base = Instance(
            uuid=str(uuid.uuid4()),
            project_id="p",
            user_id="u",
            display_name="web",
            hostname="web",
            vm_state="building",
            task_state="scheduling",
            flavor=FLAVOR,
            host=host,
            node=host,
            created_at=now(),
        )
        made = base.replace(**values)
        with self.db.writer() as conn:
            instances.create(conn, made, now())
            actions.start(conn, self.ctxt, [made.uuid], "create", now())
        return made

    def build(self, host: str = "h1", request: RequestSpec | None = None, **values: Any) -> Instance:
        """A server that is being built."""
        made = self.new_instance(host, **values)
        self.compute.build_instance(self.ctxt, host, made, request or spec(), [])
        return made

    def built(self, host: str = "h1", **values: Any) -> Instance:
        """A server that is ACTIVE."""
        return self.until(self.build(host, **values), vm_state="active", task_state=None)

    def act(self, instance: Instance, action: str, task: str) -> RequestContext:
        """What the API does before it casts: the context of the request."""
        ctxt = context.RequestContext(user_id="u", project_id="p", request_id=f"req-{action}")
        with self.db.writer() as conn:
            instances.update(conn, instance.uuid, now(), task_state=task)
            actions.start(conn, ctxt, [instance.uuid], action, now())
        return ctxt

    def delete(self, instance: Instance) -> None:
        ctxt = self.act(instance, "delete", "deleting")
        self.compute.delete_instance(ctxt, str(instance.host), self.get(instance))

    # --- what the tests look at ------------------------------------------------------------

    def get(self, instance: Instance) -> Instance:
        with self.db.reader() as conn:
            return instances.get(conn, instance.uuid, deleted=True)

    def action(self, instance: Instance, request_id: str = "req-create") -> InstanceAction:
        with self.db.reader() as conn:
            return actions.get(conn, instance.uuid, request_id)

    def until(self, instance: Instance, **expected: Any) -> Instance:
        """The instance once its fields are as expected."""

        def ready() -> bool:
            found = self.get(instance)
            return all(getattr(found, name) == value for name, value in expected.items())

        try:
            self.wait_for(ready)
        except AssertionError:
            found = self.get(instance)
            states = {name: getattr(found, name) for name in ("vm_state", "task_state", "deleted", *expected)}
            raise AssertionError(f"expected {expected}, still {states}, fault {found.fault}") from None
        return self.get(instance)

    def wait_for(self, ready: Callable[[], Any], seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise AssertionError("it did not happen in time")
            time.sleep(0.005)

    def assert_nothing_left(self, instance: Instance, hosts: Sequence[ComputeService]) -> None:
        """No guest, no port and no record of a deleted server."""
        self.assertRaises(exception.InstanceNotFound, self._live, instance)
        self.assertEqual([], [host for host in hosts if instance.uuid in host.host.driver.guests()])
        self.assertNotIn(instance.uuid, self.network.ports)
        self.wait_for(lambda: instance.uuid in self.scheduler.released)

    def _live(self, instance: Instance) -> Instance:
        with self.db.reader() as conn:
            return instances.get(conn, instance.uuid)
