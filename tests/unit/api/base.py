# SPDX-License-Identifier: Apache-2.0
"""The whole compute API in the process: every resource, two hosts, three projects' people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from minicloud.api import policies, routes
from minicloud.db.api import mappings
from minicloud.db.cell import compute_nodes, console_tokens, instances
from minicloud.objects import ComputeNode, ConsoleToken, Flavor, Instance
from minicloud.web.moments import now
from tests.unit.api.servers.base import PROJECT, ServersTest
from tests.unit.api.shapes import like, sample

#: A server that is there.
SERVER = "0d8b1d2c-1c0f-4c5e-8f6e-3a1d3f6f7b11"


class ApiTest(ServersTest):
    """A cloud of two cells with a host each."""

    operations = tuple(operation for _, package in routes.RESOURCES for operation in package.OPERATIONS)
    rules = tuple(policies.list_rules())

    def _fill(self) -> None:
        super()._fill()
        for number in (1, 2):
            with self.cells.get(self.cell_uuids[number]).db.writer() as conn:
                compute_nodes.save(conn, node(f"host{number}"), now())

    def things(self) -> dict[str, str]:
        """What :data:`tests.unit.api.requests.REQUESTS` are about, by the names in their paths."""
        group = self.ok("POST", "/os-server-groups", {"server_group": {"name": "old", "policies": ["affinity"]}})
        self.ok("POST", "/flavors/1/os-extra_specs", {"extra_specs": {"k": "1"}}, token="admin")
        self.ok("POST", "/os-aggregates", {"aggregate": {"name": "second"}}, token="admin")
        with self.api_db.writer() as conn:
            mappings.map_host(conn, "host2", self.cell_uuids[2])
            server = Instance(
                uuid=SERVER,
                project_id=PROJECT,
                user_id="u1",
                display_name="s",
                vm_state="active",
                host="host2",
                flavor=Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=512, root_gb=1),
            )
            mappings.create_all(conn, [server], now())
            mappings.set_cell(conn, [SERVER], self.cell_uuids[2])
        with self.cells.get(self.cell_uuids[2]).db.writer() as conn:
            instances.create(conn, server, now())
            console_tokens.create(conn, TOKEN, now())
        self.ok("POST", "/os-aggregates/2/action", {"add_host": {"host": "host2"}}, token="admin")
        nodes = self.ok("GET", "/os-hypervisors", version=53, token="admin")["hypervisors"]
        services = self.ok("GET", "/os-services", version=53, token="admin")["services"]
        return {
            "group": group["server_group"]["id"],
            "node": nodes[0]["id"],
            "service": services[0]["id"],
            "console_token": "secret",
        }

    def dump(self) -> dict[str, Any]:
        """Everything that is in the databases."""
        found = {}
        for db in (self.api_db, *(one.db for one in self.cells.with_cell0())):
            with db.reader() as conn:
                for (table,) in conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    rows = conn.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
                    found[f"{db.url} {table}"] = [tuple(row) for row in rows]
        return found

    def like_sample(self, name: str, answer: Any, version: int) -> None:
        """Hold an answer against the structure of a published sample."""
        like(self, sample(name, version), answer, (name, version))


#: What the token "secret" stands for.
TOKEN = ConsoleToken(
    token_hash=console_tokens.hashed("secret"),
    instance_uuid=SERVER,
    console_type="serial",
    compute_host="host2",
    host="127.0.0.1",
    port=10000,
    expires_at=now() + timedelta(days=1),
)


def node(host: str) -> ComputeNode:
    return ComputeNode(
        uuid="",
        host=host,
        hypervisor_hostname=host,
        hypervisor_type="fake",
        hypervisor_version=1000,
        vcpus=8,
        memory_mb=8192,
        local_gb=100,
        cpu_info={
            "arch": "x86_64",
            "model": "any",
            "vendor": "any",
            "features": ["fpu"],
            "topology": {"cores": 1, "threads": 1, "sockets": 4},
        },
        uptime="10:00:00 up 3 days,  1:02,  load average: 0.10, 0.20, 0.30",
    )
