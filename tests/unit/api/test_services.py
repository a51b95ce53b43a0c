# SPDX-License-Identifier: Apache-2.0
"""Services: by number up to 2.52, by uuid from 2.53 on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from minicloud.api.microversions import MAXIMUM
from minicloud.db.api import mappings
from minicloud.db.cell import services
from minicloud.web.moments import now
from tests.unit.api.base import ApiTest
from tests.unit.api.shapes import at, check, sample, schemas, steps

SERVICES = schemas("services")


class ServicesTest(ApiTest):
    def admin(self, method: str, path: str = "", body: Any = None, **options: Any) -> Any:
        return self.ok(method, f"/os-services{path}", body, token="admin", **options)

    def no(self, code: int, method: str, path: str, body: Any = None, **options: Any) -> str:
        return self.refused(code, method, f"/os-services{path}", body, token="admin", **options)

    def listed(self, query: str = "", version: int = 53) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", query, version=version)["services"]
        return found

    def of(self, host: str) -> dict[str, Any]:
        (one,) = self.listed(f"?host={host}")
        return one


class Shapes(ServicesTest):
    def test_every_answer(self) -> None:
        for version in steps(SERVICES, "os-services"):
            listed = self.admin("GET", version=version)
            check(self, at(version, SERVICES).list_services, listed, version)
            if version < 69:
                self.like_sample("os-services/services-list-get-resp", listed, version)

    def test_changes_up_to_52(self) -> None:
        body = {"host": "host1", "binary": "nova-compute"}
        for version in (1, 11, 52):
            for verb, name, more, rule in (
                ("disable", "service-disable-put-resp", {}, "enable_disable_service"),
                ("enable", "service-enable-put-resp", {}, "enable_disable_service"),
                ("disable-log-reason", "service-disable-log-put-resp", {"disabled_reason": "r"}, "disable_log_reason"),
                ("force-down", "service-force-down-put-resp", {"forced_down": "true"}, "update_forced_down"),
            ):
                if verb == "force-down" and version < 11:
                    self.no(404, "PUT", f"/{verb}", body)
                    continue
                answer = self.admin("PUT", f"/{verb}", {**body, **more}, version=version)
                check(self, getattr(at(version, SERVICES), rule), answer, version)
                self.like_sample(f"os-services/{name}", answer, version)

    def test_changes_from_53(self) -> None:
        one = f"/{self.of('host1')['id']}"
        for name in ("disable-log", "disable", "enable", "force-down"):
            body = sample(f"os-services/service-{name}-put-req", 53)
            answer = self.admin("PUT", one, body, version=53)
            check(self, SERVICES[53].update_service, answer, name)
            self.like_sample(f"os-services/service-{name}-put-resp", answer, 53)
            shown = {key: str(value) for key, value in answer["service"].items()}
            self.assertEqual(shown, {**shown, **{key: str(value) for key, value in body.items()}})


class Changes(ServicesTest):
    def test_disabled_with_a_reason_and_back(self) -> None:
        one = f"/{self.of('host2')['id']}"
        self.admin("PUT", one, {"status": "disabled", "disabled_reason": "disk"}, version=53)
        found = self.of("host2")
        self.assertEqual(
            ("disabled", "disk", "up"), tuple(found[key] for key in ("status", "disabled_reason", "state"))
        )
        self.admin("PUT", one, {"status": "enabled"}, version=53)
        self.assertEqual(("enabled", None), tuple(self.of("host2")[key] for key in ("status", "disabled_reason")))
        self.assertEqual("enabled", self.of("host1")["status"])

    def test_forced_down_is_down(self) -> None:
        one = f"/{self.of('host1')['id']}"
        self.admin("PUT", one, {"forced_down": True}, version=53)
        self.assertEqual("down", self.of("host1")["state"])
        self.admin("PUT", one, {"forced_down": False}, version=53)
        self.assertEqual("up", self.of("host1")["state"])

    def test_silent_is_down(self) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            services.report(conn, "host1", "minicloud-compute", "compute", 1, now() - timedelta(seconds=600))
        self.assertEqual(("down", "up"), (self.of("host1")["state"], self.of("host2")["state"]))

    def test_filters(self) -> None:
        self.assertEqual(2, len(self.listed()))
        self.assertEqual(2, len(self.listed("?binary=nova-compute")))
        self.assertEqual([], self.listed("?binary=nova-conductor"))
        self.assertEqual([], self.listed("?host=none"))
        self.no(400, "GET", "?more=1", version=75)

    def test_what_is_refused(self) -> None:
        one = f"/{self.of('host1')['id']}"
        before = self.dump()
        for body in (
            {},
            {"status": "up"},
            {"disabled_reason": "r"},
            {"status": "enabled", "disabled_reason": "r"},
            {"status": "disabled", "disabled_reason": ""},
            {"status": "disabled", "disabled_reason": "r" * 256},
            {"forced_down": "perhaps"},
            {"host": "host1"},
        ):
            self.no(400, "PUT", one, body, version=53)
        self.no(404, "PUT", "/11111111-2222-3333-4444-555555555555", {"status": "disabled"}, version=53)
        self.no(400, "PUT", "/1", {"status": "disabled"}, version=53)
        which = {"host": "host1", "binary": "nova-compute"}
        self.no(404, "PUT", "/destroy", which)
        self.no(404, "PUT", "/disable", {**which, "host": "none"})
        self.no(404, "PUT", "/disable", {**which, "binary": "nova-conductor"})
        self.no(400, "PUT", "/disable", {"host": "host1"})
        self.no(400, "PUT", "/disable-log-reason", which)
        self.no(400, "PUT", "/force-down", which, version=11)
        self.no(400, "PUT", "/enable", {**which, "forced_down": True}, version=10)
        self.assertEqual(before, self.dump())

    def test_delete(self) -> None:
        one = f"/{self.of('host1')['id']}"
        server_id = self.active()
        self.assertIn("hosting instances", self.no(409, "DELETE", one, version=53))
        self.ok("DELETE", f"/servers/{server_id}", code=204)
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            conn.exec_driver_sql("DELETE FROM instances")
        self.admin("DELETE", one, code=204, version=53)
        self.assertEqual(["host2"], [found["host"] for found in self.listed()])
        with self.api_db.reader() as conn:
            self.assertNotIn("host1", mappings.hosts(conn))
        hypervisors = self.ok("GET", "/os-hypervisors", token="admin")["hypervisors"]
        self.assertEqual(["host2"], [found["hypervisor_hostname"] for found in hypervisors])
        self.no(404, "DELETE", one, version=53)

    def test_delete_by_number(self) -> None:
        # Both cells count from 1.
        self.assertIn("multiple", self.no(400, "DELETE", "/1"))
        self.no(404, "DELETE", "/999")
        self.no(400, "DELETE", "/x")
        self.assertEqual(2, len(self.listed(version=MAXIMUM)))
