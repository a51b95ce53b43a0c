# SPDX-License-Identifier: Apache-2.0
"""The compute API's servers on real SQLite databases: two cells, cell0, and neighbours with state."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import testtools
import webob

from minicloud import conf as configuration
from minicloud import exception
from minicloud.api import microversions
from minicloud.api.deployment import Deployment
from minicloud.api.v21 import servers
from minicloud.cells import Cell, Cells
from minicloud.clients.identity import IdentityClient
from minicloud.clients.image import ImageClient
from minicloud.clients.network import NetworkClient
from minicloud.context import RequestContext
from minicloud.db import api, cell, migrate
from minicloud.db.api import aggregates, build_requests, flavors, keypairs, mappings
from minicloud.db.cell import actions, instances, services
from minicloud.db.session import Database
from minicloud.objects import (
    CELL0_UUID,
    BuildRequest,
    CellMapping,
    FixedIp,
    Flavor,
    Instance,
    Keypair,
    NetworkRequest,
    ResolvedNetworks,
    SecurityGroup,
    SecurityGroupRule,
    Vif,
)
from minicloud.objects.image import Image
from minicloud.rpc.compute import ComputeStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.web.app import FrontEnd, wrap
from minicloud.web.moments import now
from minicloud.web.operation import Operation
from minicloud.web.policy import Policy, RuleDefault

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
QUEUED_IMAGE = "70a599e0-31e7-49b7-b260-868f441e862c"
BIG_IMAGE = "70a599e0-31e7-49b7-b260-868f441e862d"
NETWORK = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"
PROJECT, OTHER = "6f70656e737461636b20342065766572", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TOKENS: dict[str, tuple[str | None, str, list[str]]] = {
    "system": (None, "admin", ["admin", "member", "reader"]),
    "member": (PROJECT, "u1", ["member", "reader"]),
    "second": (PROJECT, "u2", ["member", "reader"]),
    "reader": (PROJECT, "u1", ["reader"]),
    "other": (OTHER, "u3", ["member", "reader"]),
    "admin": (PROJECT, "admin", ["admin", "member", "reader"]),
}


class Identity(IdentityClient):
    def authenticate(self, token: str) -> RequestContext:
        if token not in TOKENS:
            raise exception.Unauthorized()
        project, user, roles = TOKENS[token]
        return RequestContext(project_id=project, user_id=user, roles=roles)

    def project_exists(self, ctxt: RequestContext, project_id: str) -> bool:
        return project_id in (PROJECT, OTHER)

    def project_name(self, ctxt: RequestContext, project_id: str) -> str | None:
        return project_id

    def user_name(self, ctxt: RequestContext, user_id: str) -> str | None:
        return user_id


class Images(ImageClient):
    """Images without data."""

    def __init__(self) -> None:
        self.images = {
            IMAGE: Image(id=IMAGE, status="active", size=1024, properties={"architecture": "x86_64"}),
            QUEUED_IMAGE: Image(id=QUEUED_IMAGE),
            BIG_IMAGE: Image(id=BIG_IMAGE, status="active", min_disk=100, min_ram=1),
        }

    def get(self, ctxt: RequestContext, image_id: str) -> Image:
        if image_id not in self.images:
            raise exception.ImageNotFound(image_id=image_id)
        return self.images[image_id]

    def create(self, ctxt: RequestContext, values: Mapping[str, Any]) -> Image:
        fields = {name: value for name, value in values.items() if name in Image.__struct_fields__}
        properties = {name: value for name, value in values.items() if name not in fields}
        made = Image(id=str(uuid.uuid4()), owner=ctxt.project_id, properties=properties, **fields)
        self.images[made.id] = made
        return made

    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        del self.images[image_id]

    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> list[Image]:
        return list(self.images.values())

    set_properties = upload = download = None  # type: ignore[assignment]


class Network(NetworkClient):
    """One network, two security groups."""

    def __init__(self) -> None:
        self.gone: list[tuple[str, list[str]]] = []
        self.groups = {"default": "id-of-default", "web": "id-of-web"}

    def resolve(
        self, ctxt: RequestContext, requests: list[NetworkRequest], mode: str, security_groups: list[str], count: int
    ) -> ResolvedNetworks:
        for request in requests:
            if request.network_id not in (None, NETWORK):
                raise exception.RequestedNetworkNotFound(network_id=request.network_id)
        for name in security_groups:
            if name not in self.groups:
                raise exception.BadRequest(f"Security group {name} not found for project {ctxt.project_id}.")
        found = requests or ([] if mode == "none" else [NetworkRequest(network_id=NETWORK)])
        return ResolvedNetworks(
            requests=tuple(found), security_groups=tuple((self.groups[name], name) for name in security_groups)
        )

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        self.gone.append((instance_uuid, keep))

    def security_groups(self, ctxt: RequestContext, instance_uuid: str) -> list[SecurityGroup]:
        rules = (
            SecurityGroupRule(id="r1", direction="egress"),
            SecurityGroupRule(id="r2", direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22),
            SecurityGroupRule(id="r3", direction="ingress", remote_group_id="id-of-default"),
        )
        group = SecurityGroup(id="id-of-default", name="default", description="d", project_id=PROJECT, rules=rules)
        return [group]

    def add_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        if group not in self.groups:
            raise exception.SecurityGroupNotFound(security_group_id=group)
        return [SecurityGroup(id=f"id-of-{one}", name=one, description="", project_id=PROJECT) for one in self.groups]

    def remove_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        return [one for one in self.add_security_group(ctxt, instance_uuid, group) if one.name != group]

    allocate = describe = rebind = attach = detach = None  # type: ignore[assignment]


for _class in (Images, Network):
    _class.__abstractmethods__ = frozenset()  # what is not used is not there


class Sent:
    """The edge of the process: the stubs' own methods, and here is kept what they would send."""

    def __init__(self) -> None:
        #: (method, host or None, *arguments)
        self.messages: list[tuple[Any, ...]] = []
        #: What calls are answered, or raise, by method.
        self.answers: dict[str, Any] = {}

    def cast(self, ctxt: RequestContext, method: str, *, server: str | None = None, **arguments: Any) -> None:
        self.messages.append((method, server, *arguments.values()))

    def call(self, ctxt: RequestContext, method: str, *, server: str | None = None, **arguments: Any) -> Any:
        self.cast(ctxt, method, server=server, **arguments)
        answer = self.answers.get(method)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def methods(self) -> list[str]:
        return [message[0] for message in self.messages]


class SentToComputes(Sent, ComputeStub):
    pass


class SentToScheduler(Sent, SchedulerStub):
    pass


class LocalCells(Cells):
    """Cells whose computes are only listened to."""

    def __init__(self, conf: Any, api_db: Database) -> None:
        super().__init__(conf, api_db)
        self.sent = SentToComputes()

    def _open(self, mapping: CellMapping, known: Cell | None) -> Cell:
        if known is not None:
            return known
        db = Database(mapping.database_url, name=mapping.name)
        migrate.sync(db, cell.MIGRATIONS)
        return Cell(mapping, db, None, None if mapping.is_cell0 else self.sent)


@functools.cache
def _template() -> Path:
    """Migrated databases, made once in a process: copying them takes a hundredth of migrating."""
    folder = Path(tempfile.mkdtemp(prefix="api-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, migrations in (("api", api.MIGRATIONS), ("cell", cell.MIGRATIONS)):
        db = Database(f"sqlite:///{folder}/{name}.sqlite")
        migrate.sync(db, migrations)
        db.dispose()
    return folder


class ServersTest(testtools.TestCase):
    """A cloud of two cells with a flavor, an image, a network and a key pair."""

    #: The API under test.
    operations: tuple[Operation, ...] = tuple(servers.OPERATIONS)
    rules: tuple[RuleDefault, ...] = tuple(servers.RULES)

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.conf = configuration.new(files=[])
        self.api_db = Database(self.database_url("api"))
        self.addCleanup(self.api_db.dispose)
        migrate.sync(self.api_db, api.MIGRATIONS)
        self.cell_uuids = [CELL0_UUID, str(uuid.uuid4()), str(uuid.uuid4())]
        with self.api_db.writer() as conn:
            for number, cell_uuid in enumerate(self.cell_uuids):
                url = self.database_url(f"cell{number}")
                one = CellMapping(uuid=cell_uuid, name=f"cell{number}", transport_url="", database_url=url)
                mappings.create_cell(conn, one)
        self.cells = LocalCells(self.conf, self.api_db)
        self.addCleanup(self.cells.close)
        self._fill()
        self.scheduler = SentToScheduler()
        self.network = Network()
        self.images = Images()
        deployment = Deployment(
            self.conf,
            self.api_db,
            self.cells,
            self.scheduler,
            Identity(),
            self.images,
            self.network,
        )
        operations = [replace(one, path=f"/v2.1{one.path}") for one in self.operations]
        self.front_end = FrontEnd(
            operations,
            deployment,
            Policy(self.conf, self.rules),
            Identity().authenticate,
            negotiate=microversions.negotiate,
            version_headers=microversions.headers,
        )
        self.app = wrap(self.front_end, compute=True)

    def database_url(self, name: str) -> str:
        """Where one of the databases is; made, and removed after the test."""
        file = self.folder / f"{name}.sqlite"
        shutil.copy(_template() / ("api.sqlite" if name == "api" else "cell.sqlite"), file)
        return f"sqlite:///{file}"

    def _fill(self) -> None:
        with self.api_db.writer() as conn:
            for flavor in (
                Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=512, root_gb=1),
                Flavor(flavorid="9", name="big", vcpus=30, memory_mb=99999, root_gb=1),
                Flavor(flavorid="0", name="diskless", vcpus=1, memory_mb=64, root_gb=0),
                Flavor(
                    flavorid="secret",
                    name="secret",
                    vcpus=1,
                    memory_mb=64,
                    root_gb=1,
                    is_public=False,
                    projects=(OTHER,),
                ),
            ):
                flavors.create(conn, flavor, now())
            keypairs.create(conn, Keypair(user_id="u1", name="key", fingerprint="f", public_key="ssh-rsa x"), now())
            aggregates.create(conn, "az", {"availability_zone": "us-west"}, now())
            mappings.map_host(conn, "host1", self.cell_uuids[1])
        for number in (1, 2):
            with self.cells.get(self.cell_uuids[number]).db.writer() as conn:
                services.report(conn, f"host{number}", "minicloud-compute", "compute", 1, now())

    def request(
        self, method: str, path: str, body: Any = None, *, version: int = 1, token: str = "member"
    ) -> webob.Response:
        request = webob.Request.blank(f"/compute/v2.1{path}", method=method, base_url="http://cloud")
        request.script_name = "/compute"
        request.environ["PATH_INFO"] = request.environ["PATH_INFO"].removeprefix("/compute")
        request.headers["X-Auth-Token"] = token
        request.headers["OpenStack-API-Version"] = f"compute 2.{version}"
        if body is not None:
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.content_type = "application/json"
        return request.get_response(self.app)

    def ok(self, method: str, path: str, body: Any = None, *, code: int = 200, **options: Any) -> Any:
        """The JSON of an answer that has this code."""
        response = self.request(method, path, body, **options)
        self.assertEqual(code, response.status_int, response.text)
        return json.loads(response.body) if response.body else None

    def refused(self, code: int, method: str, path: str, body: Any = None, **options: Any) -> str:
        """The message of a fault that has this code."""
        response = self.request(method, path, body, **options)
        self.assertEqual(code, response.status_int, response.text)
        (fault,) = json.loads(response.body).values()
        self.assertEqual(code, fault["code"])
        return str(fault["message"])

    def boot(self, *, version: int = 1, token: str = "member", **server: Any) -> str:
        """POST /servers; the new server's id."""
        body = {"name": "one", "imageRef": IMAGE, "flavorRef": "1", **server}
        if version >= 37:
            body.setdefault("networks", "auto")
        answer = self.ok("POST", "/servers", {"server": body}, code=202, version=version, token=token)
        return str(answer["server"]["id"])

    def place(self, server_id: str, number: int = 1, **changes: Any) -> Instance:
        """Do the scheduler's and the host's part: the server is in a cell, active."""
        with self.api_db.writer() as conn:
            request = build_requests.get(conn, server_id)
            assert isinstance(request, BuildRequest)
            build_requests.delete_all(conn, [server_id])
            mappings.set_cell(conn, [server_id], self.cell_uuids[number])
        host = f"host{number}" if number else None
        made = request.instance.replace(
            **{
                "host": host,
                "node": host,
                "vm_state": "active",
                "task_state": None,
                "power_state": 1,
                "launched_at": now(),
                "availability_zone": "nova",
                "network_info": (VIF,),
                **changes,
            }
        )
        ctxt = RequestContext(project_id=made.project_id, user_id=made.user_id, request_id="req-create")
        with self.cells.get(self.cell_uuids[number]).db.writer() as conn:
            instances.create(conn, made, now())
            actions.start(conn, ctxt, [server_id], "create", now())
        return made

    def active(
        self, number: int = 1, *, token: str = "member", server: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """A server in a cell."""
        server_id = self.boot(token=token, **(server or {}))
        self.place(server_id, number, **changes)
        return server_id

    def stored(self, server_id: str, number: int = 1) -> Instance:
        with self.cells.get(self.cell_uuids[number]).db.reader() as conn:
            return instances.get(conn, server_id, deleted=True)


VIF = Vif(
    port_id="ce531f90-199f-48c0-816c-13e38010b442",
    network_id=NETWORK,
    network_name="private",
    mac_address="fa:16:3e:4c:2c:30",
    fixed_ips=(
        FixedIp(address="192.168.1.30", subnet_id="f8a6e8f8-c2ec-497c-9f23-da9616de54ef", floating=("1.2.3.4",)),
    ),
    active=True,
)
