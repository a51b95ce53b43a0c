# SPDX-License-Identifier: Apache-2.0
"""PUT and DELETE of servers wherever they are."""

from __future__ import annotations

from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import actions, instances, services
from minicloud.objects import InstanceAction
from minicloud.web.moments import now
from tests.unit.api.servers.base import PROJECT, ServersTest


class Update(ServersTest):
    def test_in_a_cell_and_before(self) -> None:
        for server_id in (self.active(), self.boot()):
            body = {"name": "two", "accessIPv4": "1.2.3.4", "accessIPv6": "fe80::1", "OS-DCF:diskConfig": "MANUAL"}
            server = self.ok("PUT", f"/servers/{server_id}", {"server": body})["server"]
            self.assertEqual(body, {key: server[key] for key in body})
            self.assertNotIn("key_name", server)
            long = {"accessIPv6": "0000:0000:0000:0000:0000:babe:220.12.22.2"}
            answer = self.ok("PUT", f"/servers/{server_id}", {"server": long})["server"]
            self.assertEqual("::babe:dc0c:1602", answer["accessIPv6"])
            self.assertEqual("two", self.ok("GET", f"/servers/{server_id}")["server"]["name"])
            more = {"description": None, "hostname": "host.example.com"}
            server = self.ok("PUT", f"/servers/{server_id}", {"server": more}, version=94)["server"]
            self.assertEqual((None, "host.example.com"), (server["description"], server["OS-EXT-SRV-ATTR:hostname"]))
            self.assertEqual(
                "", self.ok("PUT", f"/servers/{server_id}", {"server": {"accessIPv4": ""}})["server"]["accessIPv4"]
            )

    def test_malformed(self) -> None:
        server_id = self.active()
        for version, body, word in (
            (1, {"name": ""}, "name"),
            (1, {"name": "x" * 256}, "name"),
            (1, {"accessIPv4": "x"}, "accessIPv4"),
            (18, {"description": "x"}, "description"),
            (19, {"description": "x" * 256}, "description"),
            (89, {"hostname": "x"}, "hostname"),
            (93, {"hostname": "a.b"}, "hostname"),
            (103, {"pinned_availability_zone": None}, "pinned"),
            (104, {"pinned_availability_zone": "nowhere"}, "availability zone"),
            (1, {"metadata": {}}, "metadata"),
        ):
            self.assertIn(word, self.refused(400, "PUT", f"/servers/{server_id}", {"server": body}, version=version))
        self.assertEqual("one", self.stored(server_id).display_name)

    def test_the_zone_is_pinned_where_the_server_is(self) -> None:
        server_id = self.active(availability_zone="nova")
        path = f"/servers/{server_id}"
        self.refused(409, "PUT", path, {"server": {"pinned_availability_zone": "us-west"}}, version=104)
        server = self.ok("PUT", path, {"server": {"pinned_availability_zone": "nova"}}, version=104)["server"]
        self.assertEqual("nova", server["pinned_availability_zone"])
        with self.api_db.reader() as conn:
            spec = build_requests.spec(conn, server_id)
            self.assertEqual("nova", spec and spec.availability_zone)
        server = self.ok("PUT", path, {"server": {"pinned_availability_zone": None}}, version=104)["server"]
        self.assertIsNone(server["pinned_availability_zone"])


class Delete(ServersTest):
    def used(self) -> int:
        with self.api_db.reader() as conn:
            return mappings.usage(conn, PROJECT).instances

    def actions_of(self, server_id: str, number: int) -> list[InstanceAction]:
        with self.cells.get(self.cell_uuids[number]).db.reader() as conn:
            return actions.list_for(conn, server_id)

    def test_its_host_does_it(self) -> None:
        server_id = self.active()
        for _ in range(2):
            self.assertIsNone(self.ok("DELETE", f"/servers/{server_id}", code=204))
        self.assertEqual("deleting", self.stored(server_id).task_state)
        self.assertEqual(["delete_instance"] * 2, self.cells.sent.methods)
        self.assertEqual("host1", self.cells.sent.messages[0][1])
        self.assertEqual(["delete", "create"], [one.action for one in self.actions_of(server_id, 1)])
        self.assertEqual(0, self.used())

    def test_before_it_has_a_cell(self) -> None:
        server_id = self.boot()
        self.ok("DELETE", f"/servers/{server_id}", code=204)
        self.refused(404, "GET", f"/servers/{server_id}")
        self.refused(404, "DELETE", f"/servers/{server_id}")
        self.assertEqual([], self.ok("GET", "/servers")["servers"])
        self.assertEqual((0, ["build_instances", "release"]), (self.used(), self.scheduler.methods))

    def test_without_a_host(self) -> None:
        server_id = self.active(0, vm_state="error", network_info=())
        self.ok("DELETE", f"/servers/{server_id}", code=204)
        self.refused(404, "GET", f"/servers/{server_id}")
        stored = self.stored(server_id, 0)
        self.assertEqual((True, "deleted"), (stored.deleted, stored.vm_state))
        self.assertIsNotNone(self.actions_of(server_id, 0)[0].finish_time)
        self.assertEqual(([], 0), (self.cells.sent.methods, self.used()))
        self.assertEqual("release", self.scheduler.methods[-1])

    def test_while_its_host_is_down(self) -> None:
        server_id = self.active()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            (service,) = services.find(conn, host="host1")
            services.update(conn, service.uuid, now(), forced_down=True)
        self.ok("DELETE", f"/servers/{server_id}", code=204)
        self.assertTrue(self.stored(server_id).deleted)
        # For a host that only seems to be down.
        self.assertEqual((["delete_instance"], [(server_id, [])]), (self.cells.sent.methods, self.network.gone))

    def test_from_every_state(self) -> None:
        for vm_state, task_state in (
            ("building", "spawning"),
            ("paused", None),
            ("error", None),
            ("active", "rebooting"),
        ):
            server_id = self.active(vm_state=vm_state, task_state=task_state)
            self.ok("DELETE", f"/servers/{server_id}", code=204)
            self.assertEqual("deleting", self.stored(server_id).task_state)

    def test_a_locked_server_stays(self) -> None:
        server_id = self.active(locked_by="owner")
        message = self.refused(409, "DELETE", f"/servers/{server_id}")
        self.assertEqual(f"Instance {server_id} is locked", message)
        self.assertEqual(1, self.used())
        self.ok("DELETE", f"/servers/{server_id}", code=204, token="admin")

    def test_readers_may_not(self) -> None:
        server_id = self.active()
        self.refused(403, "DELETE", f"/servers/{server_id}", token="reader")
        with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
            self.assertIsNone(instances.get(conn, server_id).task_state)
