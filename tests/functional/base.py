# SPDX-License-Identifier: Apache-2.0
"""Base of the functional tests."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import testtools

from tests.functional.client import PATIENCE, Client, wait
from tests.functional.cloud import MEMORY, Cloud


class CloudTest(testtools.TestCase):
    """A test on a running cloud; every test has a project of its own."""

    SHAPE: ClassVar[type[Cloud]]
    cloud: ClassVar[Cloud]
    admin: ClassVar[Client]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.cloud = cls.SHAPE.get()
        cls.admin = cls.cloud.login("admin")

    def setUp(self) -> None:
        super().setUp()
        began = {name: process.log_size() for name, process in self.cloud.processes.items()}
        self.addOnException(lambda _info: self._attach_logs(began))
        self.user = self.new_project()

    def _attach_logs(self, began: dict[str, int]) -> None:
        for process in self.cloud.processes.values():
            text = process.log_text(began[process.name])
            lines = [line for line in text.splitlines() if " WARNING " in line or " ERROR " in line]
            if lines:
                self.addDetail(f"{process.name} log", testtools.content.text_content("\n".join(lines[-40:])))

    def new_project(self) -> Client:
        """A new project with a user who is only a member; what it has in the end is removed."""
        name = f"p-{uuid.uuid4().hex[:8]}"
        project = self._identity("projects", {"project": {"name": name, "domain_id": "default"}})
        account = {"name": name, "password": name, "domain_id": "default"}
        user = self._identity("users", {"user": account})
        (role,) = self.admin.get("/identity/v3/roles?name=member")["roles"]
        path = f"/identity/v3/projects/{project}/users/{user}/roles/{role['id']}"
        self.admin.send("PUT", path, expect=204)
        client = Client.login(self.cloud.url, name, name, name)
        self.addCleanup(self._clean, client)
        return client

    def _identity(self, collection: str, body: dict[str, object]) -> str:
        answer = self.admin.send("POST", f"/identity/v3/{collection}", body, expect=201)
        return str(next(iter(answer.body.values()))["id"])

    def _clean(self, client: Client) -> None:
        servers = [one["id"] for one in client.compute("/servers")["servers"]]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: client.send("DELETE", f"/compute/v2.1/servers/{one}"), servers))
        client.until_gone(*servers)

    def network(self, client: Client, prefix: str = "10.90.0.0/22") -> str:
        """A new network with a subnet, of the client's project."""
        network = client.send("POST", "/network/v2.0/networks", {"network": {"name": "n"}}, expect=201).body["network"]
        subnet = {"network_id": network["id"], "cidr": prefix, "ip_version": 4}
        client.send("POST", "/network/v2.0/subnets", {"subnet": subnet}, expect=201)
        return str(network["id"])

    def ports(self, client: Client) -> list[dict[str, object]]:
        """Ports of servers."""
        found = client.get("/network/v2.0/ports")["ports"]
        return [one for one in found if str(one["device_owner"]).startswith("compute:")]

    def flavor(self, *, share: int) -> str:
        """A flavor of which a host has room for so many."""
        body = {"name": uuid.uuid4().hex, "ram": MEMORY // share, "vcpus": 1, "disk": 1}
        answer = self.admin.send("POST", "/compute/v2.1/flavors", {"flavor": body}, expect=200)
        found = str(answer.body["flavor"]["id"])
        self.addCleanup(self.admin.send, "DELETE", f"/compute/v2.1/flavors/{found}")
        return found

    def host_of(self, server_id: str) -> str | None:
        host: str | None = self.admin.server(server_id)["OS-EXT-SRV-ATTR:host"]
        return host

    def project_guests(self, client: Client) -> dict[str, str]:
        """Guest -> host, of all guests there are."""
        return {guest: host for host, guests in self.cloud.guests().items() for guest in guests}

    def assert_nothing_left(self, *clients: Client) -> None:
        """No guest, claim or port is left of anything."""

        def leaked() -> str:
            guests = {host: found for host, found in self.cloud.guests().items() if found}
            ports = [port for client in clients for port in self.ports(client)]
            return json.dumps([str(guests), self.cloud.allocations(), ports]) if self._any(guests, ports) else ""

        wait(lambda: not leaked(), leaked, PATIENCE)

    def _any(self, *found: object) -> bool:
        return any(found) or bool(self.cloud.allocations())

    def assert_consistent(self) -> None:
        """Guests, claims and hypervisors' figures agree, and no host has more than it can."""

        def wrong() -> str:
            guests = {(guest, host) for host, found in self.cloud.guests().items() for guest in found}
            memory = [row for row in self.cloud.allocations() if row[2] == "MEMORY_MB"]
            claims = {(row[1], row[0]) for row in memory}
            if guests != claims:
                return f"only guests: {guests - claims}, only claims: {claims - guests}"
            used: Counter[str] = Counter()
            for host, _, _, amount in memory:
                used[host] += amount
            shown = {
                one["hypervisor_hostname"]: one["memory_mb_used"]
                for one in self.admin.compute("/os-hypervisors/detail", "2.1")["hypervisors"]
            }
            if {host: used[host] for host in shown} != shown:
                return f"claims: {used}, hypervisors: {shown}"
            return f"too much on a host: {used}" if any(amount > MEMORY for amount in used.values()) else ""

        wait(lambda: not wrong(), wrong)
