# SPDX-License-Identifier: Apache-2.0
"""Hypervisors: capacity and usage up to 2.87, servers on demand from 2.53 on."""

from __future__ import annotations

from typing import Any

from minicloud.api.microversions import MAXIMUM
from tests.unit.api.base import ApiTest
from tests.unit.api.shapes import at, check, schemas, steps

HYPERVISORS = schemas("hypervisors")
VERSIONS = steps(HYPERVISORS, "os-hypervisors")


class HypervisorsTest(ApiTest):
    def admin(self, path: str = "", **options: Any) -> Any:
        return self.ok("GET", f"/os-hypervisors{path}", token="admin", **options)

    def no(self, code: int, path: str, **options: Any) -> str:
        return self.refused(code, "GET", f"/os-hypervisors{path}", token="admin", **options)


class Shapes(HypervisorsTest):
    def test_every_answer(self) -> None:
        self.active()
        for version in VERSIONS:
            schema = at(version, HYPERVISORS)
            listed = self.admin(version=version)
            check(self, schema.list_search_hypervisors, listed, version)
            self.like_sample("os-hypervisors/hypervisors-list-resp", listed, version)
            one = listed["hypervisors"][0]["id"]
            detail = self.admin("/detail", version=version)
            self.like_sample("os-hypervisors/hypervisors-detail-resp", detail, version)
            shown = self.admin(f"/{one}", version=version)
            self.like_sample("os-hypervisors/hypervisors-show-resp", shown, version)
            if version < 88:
                # Tempest has no schema for 2.88, where capacity and usage are gone.
                check(self, schema.list_hypervisors_detail, detail, version)
                check(self, schema.get_hypervisor, shown, version)
                uptime = self.admin(f"/{one}/uptime", version=version)
                check(self, schema.get_hypervisor_uptime, uptime, version)
                self.like_sample("os-hypervisors/hypervisors-uptime-resp", uptime, version)
                totals = self.admin("/statistics", version=version)
                check(self, schema.get_hypervisor_statistics, totals, version)
                self.like_sample("os-hypervisors/hypervisors-statistics-resp", totals, version)
            else:
                self.no(404, f"/{one}/uptime", version=version)
                self.no(404, "/statistics", version=version)

    def test_search_and_servers_up_to_52(self) -> None:
        server_id = self.active()
        for version in (1, 28, 52):
            schema = at(version, HYPERVISORS)
            found = self.admin("/host/search", version=version)
            check(self, schema.list_search_hypervisors, found, version)
            self.like_sample("os-hypervisors/hypervisors-search-resp", found, version)
            self.assertEqual(2, len(found["hypervisors"]))
            busy = self.admin("/host1/servers", version=version)
            check(self, schema.get_hypervisors_servers, busy, version)
            self.like_sample("os-hypervisors/hypervisors-with-servers-resp", busy, version)
            self.assertEqual(server_id, busy["hypervisors"][0]["servers"][0]["uuid"])
            idle = self.admin("/host2/servers", version=version)
            self.like_sample("os-hypervisors/hypervisors-without-servers-resp", idle, version)
            self.no(404, "/none/servers", version=version)
            self.no(404, "/none/search", version=version)
        self.no(404, "/host/search", version=53)
        self.no(404, "/host/servers", version=53)

    def test_with_servers(self) -> None:
        server_id = self.active()
        for version in (53, 75, 88, MAXIMUM):
            query = "?with_servers=true&hypervisor_hostname_pattern=host1"
            for path, name in (
                ("", "hypervisors-with-servers-resp"),
                ("/detail", "hypervisors-detail-with-servers-resp"),
            ):
                found = self.admin(f"{path}{query}", version=version)
                self.like_sample(f"os-hypervisors/{name}", found, version)
                self.assertEqual([{"name": "one", "uuid": server_id}], found["hypervisors"][0]["servers"])
            idle = self.admin("?with_servers=true&hypervisor_hostname_pattern=host2", version=version)["hypervisors"][0]
            self.assertEqual(version >= 75, "servers" in idle)
            self.assertNotIn("servers", self.admin(version=version)["hypervisors"][0])
        self.no(400, "?with_servers=perhaps", version=53)
        self.no(404, "?hypervisor_hostname_pattern=none", version=53)
        self.no(400, "?hypervisor_hostname_pattern=host&limit=1", version=53)
        self.no(400, "?more=1", version=53)


class Numbers(HypervisorsTest):
    def test_servers_use_up_what_there_is(self) -> None:
        self.active()
        node = {one["hypervisor_hostname"]: one for one in self.admin("/detail")["hypervisors"]}["host1"]
        self.assertEqual((8, 1), (node["vcpus"], node["vcpus_used"]))
        self.assertEqual((8192, 512, 7680), tuple(node[key] for key in ("memory_mb", "memory_mb_used", "free_ram_mb")))
        self.assertEqual((100, 1, 99), tuple(node[key] for key in ("local_gb", "local_gb_used", "free_disk_gb")))
        self.assertEqual(1, node["running_vms"])
        totals = self.admin("/statistics")["hypervisor_statistics"]
        self.assertEqual((2, 16, 1), tuple(totals[key] for key in ("count", "vcpus", "vcpus_used")))

    def test_disabled_hosts_do_not_count(self) -> None:
        self.ok("PUT", "/os-services/disable", {"host": "host1", "binary": "nova-compute"}, token="admin")
        self.assertEqual(1, self.admin("/statistics")["hypervisor_statistics"]["count"])
        states = {one["hypervisor_hostname"]: one["status"] for one in self.admin()["hypervisors"]}
        self.assertEqual({"host1": "disabled", "host2": "enabled"}, states)

    def test_no_uptime_of_a_host_that_is_down(self) -> None:
        body = {"host": "host1", "binary": "nova-compute", "forced_down": True}
        self.ok("PUT", "/os-services/force-down", body, version=11, token="admin")
        down = {one["hypervisor_hostname"]: one for one in self.admin(version=53)["hypervisors"]}["host1"]
        self.assertEqual("down", down["state"])
        self.assertIn("host1", self.no(400, f"/{down['id']}/uptime", version=53))

    def test_pages(self) -> None:
        whole = [one["id"] for one in self.admin(version=53)["hypervisors"]]
        first = self.admin("?limit=1", version=53)
        self.assertIn(f"marker={whole[0]}", first["hypervisors_links"][0]["href"])
        second = self.admin(f"?limit=1&marker={whole[0]}", version=53)
        self.assertEqual(whole, [one["id"] for answer in (first, second) for one in answer["hypervisors"]])
        self.assertNotIn("hypervisors_links", second)
        self.no(400, "?marker=none", version=53)
        self.no(400, "?limit=x", version=33)

    def test_unknown(self) -> None:
        self.no(404, "/999")
        self.no(404, "/11111111-2222-3333-4444-555555555555", version=53)
        self.no(400, "/1", version=53)
