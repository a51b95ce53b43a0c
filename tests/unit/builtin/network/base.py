# SPDX-License-Identifier: Apache-2.0
"""A network service on SQLite in a temporary directory, spoken to over WSGI."""

from __future__ import annotations

import json
from typing import Any

import fixtures
import testtools
import webob

from minicloud import conf as configuration
from minicloud import exception
from minicloud.builtin.network.app import make_app
from minicloud.builtin.network.db import MIGRATIONS
from minicloud.builtin.network.drivers.loader import load_driver
from minicloud.builtin.network.manager.core import Core
from minicloud.builtin.network.manager.resolve import Resolver
from minicloud.builtin.network.manager.servers import ServerPorts
from minicloud.context import RequestContext
from minicloud.db import migrate
from minicloud.db.session import Database
from minicloud.objects import NetworkRequest, PortOwner, ResourceEvent

ADMIN, ALICE, BOB = "admin-project", "alice-project", "bob-project"
ROLES = {ADMIN: ["admin", "manager", "member", "reader"], ALICE: ["member", "reader"], BOB: ["member", "reader"]}


def ctxt_of(project: str, roles: list[str] | None = None) -> RequestContext:
    return RequestContext(project_id=project, roles=roles or ROLES[project], overwrite=False)


def authenticate(token: str) -> RequestContext:
    """A token is a project's name; ``reader:x`` may only read."""
    role, _, project = token.rpartition(":")
    if project not in ROLES:
        raise exception.Unauthorized()
    return ctxt_of(project, [role] if role else None)


class NetworkTestCase(testtools.TestCase):
    """Has ``self.call(method, path, body)`` and helpers that make things."""

    def setUp(self) -> None:
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.conf = configuration.new(files=[])
        self.db = Database(f"sqlite:///{folder}/network.sqlite")
        self.addCleanup(self.db.dispose)
        migrate.sync(self.db, MIGRATIONS)
        self.events: list[ResourceEvent] = []
        self.app = make_app(self.conf, self.db, authenticate, self._notify)
        core = Core(self.conf, self.db, self._notify, load_driver(self.conf))
        self.servers, self.resolver = ServerPorts(core), Resolver(core)

    def _notify(self, _ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        with self.db.writer():  # deadlocks unless the change is committed
            self.events += events

    def call(self, method: str, path: str, body: Any = None, *, project: str = ALICE, status: int | None = None) -> Any:
        """One request; its answer's document, after checking the code."""
        request = webob.Request.blank("/v2.0" + path, method=method)
        request.headers["X-Auth-Token"] = project
        if body is not None:
            request.content_type = "application/json"
            request.body = json.dumps(body).encode()
        response = request.get_response(self.app)
        expected = status or {"POST": 201, "DELETE": 204}.get(method, 200)
        self.assertEqual(expected, response.status_int, response.text)
        return response.json_body if response.body else None

    def refused(self, kind: str, status: int, method: str, path: str, body: Any = None, project: str = ALICE) -> str:
        """A request that must fail in a named way; the message."""
        error = self.call(method, path, body, project=project, status=status)["NeutronError"]
        self.assertEqual(kind, error["type"], error)
        return str(error["message"])

    def make(self, kind: str, *, project: str = ALICE, **values: Any) -> Any:
        plural = kind.replace("_", "-") + "s"
        return self.call("POST", f"/{plural}", {kind: values}, project=project)[kind]

    def make_net(self, cidr: str = "10.1.0.0/24", *, project: str = ALICE, **values: Any) -> tuple[str, str]:
        """Ids of a network and its subnet."""
        network = self.make("network", project=project, **values)["id"]
        subnet = self.make("subnet", project=project, network_id=network, cidr=cidr, ip_version=4)["id"]
        return network, subnet

    def make_public(self) -> str:
        values = {"router:external": True, "is_default": True, "name": "public"}
        return self.make_net("172.24.4.0/24", project=ADMIN, **values)[0]

    def listed(self, path: str, project: str = ALICE) -> list[str]:
        """Ids in a list."""
        answer = self.call("GET", path, project=project)
        return [each["id"] for each in next(iter(answer.values()))]

    def boot(self, *requests: NetworkRequest, uuid: str = "server-1", project: str = ALICE) -> Any:
        server = PortOwner(project_id=project, uuid=uuid, hostname="host-name", host="node-1")
        return self.servers.allocate(ctxt_of(project), server, list(requests), [])
