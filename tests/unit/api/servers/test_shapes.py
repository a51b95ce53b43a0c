# SPDX-License-Identifier: Apache-2.0
"""Every answer against Tempest's response schemas, at every microversion that has one of its own."""

from __future__ import annotations

from typing import Any

from minicloud.api.microversions import MAXIMUM
from minicloud.db.cell import instances
from minicloud.objects import Fault
from minicloud.web.moments import now
from tests.unit.api.servers.base import IMAGE, ServersTest
from tests.unit.api.shapes import at, check, schemas

SERVERS = schemas("servers")
INTERFACES = schemas("interfaces")

#: Keys of GET /servers/{id} that only administrators see.
FOR_ADMIN = {
    "OS-EXT-SRV-ATTR:host",
    "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
}
FOR_ADMIN_3 = {f"OS-EXT-SRV-ATTR:{name}" for name in (
    "hostname", "reservation_id", "launch_index", "kernel_id", "ramdisk_id", "root_device_name", "user_data",
)}  # fmt: skip


class Shapes(ServersTest):
    def test_create_show_list_update(self) -> None:
        self.conf.set_override("instances", -1, "quota")
        server_id = self.active(server={"metadata": {"a": "b"}})
        failed = self.active(0, vm_state="error", fault=Fault(code=500, message="no", details="why", created_at=now()))
        building = self.boot()
        for version in range(1, MAXIMUM + 1):
            one = at(version, SERVERS)
            for token in ("member", "admin"):
                about = (version, token)
                options: dict[str, Any] = {"version": version, "token": token}
                for each in (server_id, failed, building):
                    check(self, one.get_server, self.ok("GET", f"/servers/{each}", **options), about)
                check(self, one.list_servers, self.ok("GET", "/servers?limit=2", **options), about)
                check(self, one.list_servers_detail, self.ok("GET", "/servers/detail?limit=2", **options), about)
                answer = self.ok("PUT", f"/servers/{server_id}", {"server": {"name": "two"}}, **options)
                check(self, one.update_server, answer, about)
        body = {"server": {"name": "one", "imageRef": IMAGE, "flavorRef": "1", "networks": "auto"}}
        check(
            self,
            SERVERS[1].create_server_with_admin_pass,
            self.ok("POST", "/servers", body, code=202, version=100),
            "create",
        )

    def test_keys_appear_when_they_should(self) -> None:
        server_id = self.active()
        seen: dict[str, tuple[int, int]] = {}
        for version in range(1, MAXIMUM + 1):
            for key in self.ok("GET", f"/servers/{server_id}", version=version, token="admin")["server"]:
                seen[key] = (seen.get(key, (version, 0))[0], version)
        later = {key: since for key, (since, until) in seen.items() if since > 1}
        self.assertEqual(
            {
                **dict.fromkeys(FOR_ADMIN_3, 3),
                "locked": 9,
                "host_status": 16,
                "description": 19,
                "tags": 26,
                "trusted_image_certificates": 63,
                "server_groups": 71,
                "locked_reason": 73,
                "pinned_availability_zone": 96,
                "scheduler_hints": 100,
            },
            later,
        )
        self.assertEqual({MAXIMUM}, {until for _, until in seen.values()})

    def test_what_only_administrators_see(self) -> None:
        server_id = self.active()
        for version, hidden in (
            (1, FOR_ADMIN),
            (3, FOR_ADMIN | FOR_ADMIN_3),
            (16, FOR_ADMIN | FOR_ADMIN_3 | {"host_status"}),
        ):
            members = self.ok("GET", f"/servers/{server_id}", version=version)["server"]
            admins = self.ok("GET", f"/servers/{server_id}", version=version, token="admin")["server"]
            self.assertEqual(hidden, admins.keys() - members.keys())
        self.assertIn("OS-EXT-SRV-ATTR:hostname", self.ok("GET", f"/servers/{server_id}", version=90)["server"])
        self.assertEqual("UP", admins["host_status"])

    def test_values(self) -> None:
        server_id = self.active(server={"config_drive": True, "accessIPv4": "9.9.9.9"})
        server = self.ok("GET", f"/servers/{server_id}", token="admin")["server"]
        self.assertEqual("ACTIVE", server["status"])
        self.assertEqual(56, len(server["hostId"]))
        self.assertEqual(
            ("True", "9.9.9.9", "", 0),
            tuple(server[key] for key in ("config_drive", "accessIPv4", "accessIPv6", "progress")),
        )
        self.assertEqual("http://cloud/compute/images/" + IMAGE, server["image"]["links"][0]["href"])
        self.assertEqual("http://cloud/compute/flavors/1", server["flavor"]["links"][0]["href"])
        mac = "fa:16:3e:4c:2c:30"
        self.assertEqual(
            {
                "private": [
                    {"version": 4, "addr": "192.168.1.30", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": mac},
                    {"version": 4, "addr": "1.2.3.4", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": mac},
                ]
            },
            server["addresses"],
        )
        server = self.ok("GET", f"/servers/{server_id}", version=100)["server"]
        self.assertEqual("m1.tiny", server["flavor"]["original_name"])
        self.assertEqual({"architecture": "x86_64"}, server["image"]["properties"])

    def test_a_fault_is_shown_with_its_details_to_administrators(self) -> None:
        fault = Fault(code=500, message="no", details="why", created_at=now())
        server_id = self.active(0, vm_state="error", fault=fault)
        self.assertEqual(
            {"code", "message", "created"}, self.ok("GET", f"/servers/{server_id}")["server"]["fault"].keys()
        )
        server = self.ok("GET", f"/servers/{server_id}", token="admin")["server"]
        self.assertEqual(("ERROR", "why"), (server["status"], server["fault"]["details"]))
        self.assertNotIn("progress", server)
        other = self.active(fault=fault)
        self.assertNotIn("fault", self.ok("GET", f"/servers/{other}", token="admin")["server"])

    def test_the_status_follows_the_states(self) -> None:
        server_id = self.active()
        home = self.cells.get(self.cell_uuids[1])
        for vm_state, task_state, status in (
            ("active", "rebooting", "REBOOT"),
            ("active", "rebooting_hard", "HARD_REBOOT"),
            ("active", "deleting", "ACTIVE"),
            ("active", "powering-off", "ACTIVE"),
            ("stopped", None, "SHUTOFF"),
            ("paused", None, "PAUSED"),
            ("suspended", None, "SUSPENDED"),
            ("rescued", None, "RESCUE"),
            ("resized", None, "VERIFY_RESIZE"),
            ("error", None, "ERROR"),
        ):
            with home.db.writer() as conn:
                instances.update(conn, server_id, now(), vm_state=vm_state, task_state=task_state)
            self.assertEqual(status, self.ok("GET", f"/servers/{server_id}")["server"]["status"])
            found = self.ok("GET", f"/servers?status={status.lower()}")["servers"]
            self.assertEqual([server_id], [one["id"] for one in found], status)
            self.assertEqual([], self.ok("GET", "/servers?status=SHELVED")["servers"])

    def test_others_servers_do_not_exist(self) -> None:
        server_id = self.active()
        for method, body in (("GET", None), ("PUT", {"server": {"name": "x"}}), ("DELETE", None)):
            message = self.refused(404, method, f"/servers/{server_id}", body, token="other")
            self.assertEqual(f"Instance {server_id} could not be found.", message)
        self.refused(404, "GET", "/servers/not-a-uuid")
        self.refused(404, "GET", "/servers/11111111-2222-3333-4444-555555555555")
        self.refused(403, "PUT", f"/servers/{server_id}", {"server": {"name": "x"}}, token="reader")
