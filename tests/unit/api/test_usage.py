# SPDX-License-Identifier: Apache-2.0
"""What was used: by project, by audit, by host."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minicloud.db.cell import instances
from minicloud.web.moments import now
from tests.unit.api.base import SERVER, ApiTest
from tests.unit.api.servers.base import OTHER, PROJECT

START, STOP = "2026-01-01T00:00:00", "2026-01-01T10:00:00"


class Usage(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.things()
        self.set(launched_at=datetime(2025, 12, 31, 22), terminated_at=datetime(2026, 1, 1, 4))

    def set(self, **changes: Any) -> None:
        with self.cells.get(self.cell_uuids[2]).db.writer() as conn:
            instances.update(conn, SERVER, now(), **changes)

    def usage(self, query: str = "", project: str = PROJECT, **options: Any) -> Any:
        path = f"/os-simple-tenant-usage/{project}?start={START}&end={STOP}{query}"
        return self.ok("GET", path, **options)["tenant_usage"]

    def test_only_the_period_counts(self) -> None:
        used = self.usage()
        self.assertEqual((4.0, 4.0, 4.0 * 512, 4.0), tuple(used[f"total_{key}"] for key in TOTALS))
        (server,) = used["server_usages"]
        self.assertEqual((4.0, 6 * 3600, "terminated"), (server["hours"], server["uptime"], server["state"]))
        self.set(terminated_at=None)
        used = self.usage()
        self.assertEqual((10.0, "active"), (used["total_hours"], used["server_usages"][0]["state"]))
        self.set(launched_at=datetime(2026, 2, 1))
        self.assertEqual({}, self.usage())

    def test_samples(self) -> None:
        for version in (1, 40):
            answer = self.ok("GET", f"/os-simple-tenant-usage/{PROJECT}?start={START}&end={STOP}", version=version)
            self.like_sample("os-simple-tenant-usage/simple-tenant-usage-get-specific", answer, version)
            for detailed, name in ((0, "simple-tenant-usage-get"), (1, "simple-tenant-usage-get-detail")):
                path = f"/os-simple-tenant-usage?start={START}&end={STOP}&detailed={detailed}"
                answer = self.ok("GET", path, version=version, token="admin")
                self.assertEqual([PROJECT], [one["tenant_id"] for one in answer["tenant_usages"]])
                self.like_sample(f"os-simple-tenant-usage/{name}", answer, version)

    def test_by_page(self) -> None:
        path = f"/os-simple-tenant-usage?start={START}&end={STOP}&limit=1"
        self.assertNotIn("tenant_usages_links", self.ok("GET", path, version=40, token="admin"))
        after = self.ok("GET", f"{path}&marker={SERVER}", version=40, token="admin")
        self.assertEqual([], after["tenant_usages"])
        self.refused(400, "GET", f"{path}&marker=nobody", version=40, token="admin")

    def test_whose(self) -> None:
        self.refused(403, "GET", "/os-simple-tenant-usage")
        self.refused(404, "GET", "/os-simple-tenant-usage/", token="admin")
        self.refused(403, "GET", f"/os-simple-tenant-usage/{OTHER}")
        self.assertEqual({}, self.usage(project=OTHER, token="admin"))
        for period in ("start=x", f"start={STOP}&end={START}", "start=2999-01-01"):
            self.refused(400, "GET", f"/os-simple-tenant-usage/{PROJECT}?{period}")

    def test_nobody_audits(self) -> None:
        log = self.ok("GET", "/os-instance_usage_audit_log", token="admin")["instance_usage_audit_logs"]
        self.assertEqual((2, ["host1", "host2"]), (log["num_hosts_not_run"], log["hosts_not_run"]))
        path = "/os-instance_usage_audit_log/2026-01-15 10:00:00"
        log = self.ok("GET", path.replace(" ", "%20"), token="admin")["instance_usage_audit_log"]
        self.assertEqual(
            ("2025-12-01 00:00:00", "2026-01-01 00:00:00"), (log["period_beginning"], log["period_ending"])
        )
        self.refused(400, "GET", "/os-instance_usage_audit_log/never", token="admin")
        self.refused(403, "GET", "/os-instance_usage_audit_log")

    def test_hosts(self) -> None:
        listed = self.ok("GET", "/os-hosts?service=compute", token="admin")
        self.like_sample("os-hosts/hosts-list-resp", listed, 1)
        self.assertEqual(["host1", "host2"], sorted(one["host_name"] for one in listed["hosts"]))
        shown = self.ok("GET", "/os-hosts/host2", token="admin")
        self.like_sample("os-hosts/host-get-resp", shown, 1)
        rows = {one["resource"]["project"]: one["resource"]["cpu"] for one in shown["host"]}
        self.assertEqual({"(total)": 8, "(used_now)": 1, "(used_max)": 1, PROJECT: 1}, rows)
        self.refused(404, "GET", "/os-hosts/nobody", token="admin")
        self.refused(404, "GET", "/os-hosts", version=43, token="admin")
        self.refused(403, "GET", "/os-hosts")


TOTALS = ("hours", "vcpus_usage", "memory_mb_usage", "local_gb_usage")
