# SPDX-License-Identifier: Apache-2.0
"""Quotas of projects, their users and classes, and the limits that follow from them; extensions."""

from __future__ import annotations

from typing import Any

from tests.unit.api.base import ApiTest
from tests.unit.api.servers.base import OTHER, PROJECT
from tests.unit.api.shapes import at, check, sample, schemas, steps

SETS, CLASSES, LIMITS = schemas("quotas"), schemas("quota_classes"), schemas("limits")
MINE = f"/os-quota-sets/{PROJECT}"
DEFAULT = "/os-quota-class-sets/default"


class QuotasTest(ApiTest):
    def put(self, path: str = MINE, **limits: Any) -> Any:
        wrapper = "quota_set" if "quota-sets" in path else "quota_class_set"
        return self.ok("PUT", path, {wrapper: limits}, token="admin")[wrapper]

    def shown(self, path: str = MINE, **options: Any) -> Any:
        return self.ok("GET", path, token="admin", **options)["quota_set"]


class Shapes(QuotasTest):
    def test_sets(self) -> None:
        for version in steps(SETS, "os-quota-sets"):
            schema = at(version, SETS)
            options: dict[str, Any] = {"version": version, "token": "admin"}
            for path, name in (
                (MINE, "quotas-show-get-resp"),
                (f"{MINE}/defaults", "quotas-show-defaults-get-resp"),
                (f"{MINE}?user_id=u1", "user-quotas-show-get-resp"),
            ):
                answer = self.ok("GET", path, **options)
                check(self, schema.get_quota_set, answer, version)
                self.like_sample(f"os-quota-sets/{name}", answer, version)
            answer = self.ok("GET", f"{MINE}/detail", **options)
            check(self, schema.get_quota_set_details, answer, version)
            self.like_sample("os-quota-sets/quotas-show-detail-get-resp", answer, version)
            for query, name in (
                ("", "quotas-update"),
                ("", "quotas-update-force"),
                ("?user_id=u1", "user-quotas-update"),
            ):
                body = sample(f"os-quota-sets/{name}-post-req", version)
                answer = self.ok("PUT", MINE + query, body, **options)
                check(self, schema.update_quota_set, answer, version)
                self.like_sample(f"os-quota-sets/{name}-post-resp", answer, version)
            self.ok("DELETE", MINE, code=202, **options)

    def test_classes(self) -> None:
        for version in steps(CLASSES, "os-quota-class-sets"):
            schema = at(version, CLASSES)
            options: dict[str, Any] = {"version": version, "token": "admin"}
            answer = self.ok("GET", DEFAULT, **options)
            check(self, schema.get_quota_class_set, answer, version)
            self.like_sample("os-quota-class-sets/quota-classes-show-get-resp", answer, version)
            body = sample("os-quota-class-sets/quota-classes-update-post-req", version)
            answer = self.ok("PUT", DEFAULT, body, **options)
            check(self, schema.update_quota_class_set, answer, version)
            self.like_sample("os-quota-class-sets/quota-classes-update-post-resp", answer, version)
            kept = body["quota_class_set"]
            self.assertEqual(kept, {key: answer["quota_class_set"][key] for key in kept})

    def test_limits(self) -> None:
        for version in steps(LIMITS, "limits"):
            answer = self.ok("GET", "/limits", version=version)
            check(self, at(version, LIMITS).get_limit, answer, version)
            self.like_sample("limits/limit-get-resp", answer, version)

    def test_extensions(self) -> None:
        answer = self.ok("GET", "/extensions")
        check(self, schemas("extensions")[1].list_extensions, answer, 1)
        self.like_sample("extension-info/extensions-list-resp", answer, 1)
        one = self.ok("GET", "/extensions/os-agents")
        self.assertEqual(sample("extension-info/extensions-get-resp", 1), one)
        self.refused(404, "GET", "/extensions/none")


class Layers(QuotasTest):
    def test_a_project_over_its_class_over_the_configuration(self) -> None:
        self.conf.set_override("cores", 7, "quota")
        self.assertEqual(7, self.shown()["cores"])
        self.put(DEFAULT, cores=8)
        self.assertEqual(8, self.shown()["cores"])
        self.put(cores=9)
        self.assertEqual((9, 8), (self.shown()["cores"], self.shown(f"{MINE}/defaults")["cores"]))
        self.assertEqual(8, self.shown(f"/os-quota-sets/{OTHER}")["cores"])
        self.ok("DELETE", MINE, code=202, token="admin")
        self.assertEqual(8, self.shown()["cores"])

    def test_a_user_within_the_project(self) -> None:
        self.put(cores=9)
        self.put(f"{MINE}?user_id=u1", cores=3)
        self.assertEqual(3, self.shown(f"{MINE}?user_id=u1")["cores"])
        self.assertEqual(9, self.shown(f"{MINE}?user_id=u2")["cores"])
        self.assertEqual(9, self.shown()["cores"])
        for cores in (10, -1):
            body = {"quota_set": {"cores": cores}}
            message = self.refused(400, "PUT", f"{MINE}?user_id=u1", body, token="admin")
            self.assertIn("cores", message)
        self.ok("DELETE", f"{MINE}?user_id=u1", code=202, token="admin")
        self.assertEqual((9, 9), (self.shown()["cores"], self.shown(f"{MINE}?user_id=u1")["cores"]))

    def test_not_below_what_is_used_unless_forced(self) -> None:
        for _ in range(2):
            self.boot()
        message = self.refused(400, "PUT", MINE, {"quota_set": {"instances": 1}}, token="admin")
        self.assertIn("instances", message)
        self.assertEqual(1, self.put(instances=1, force=True)["instances"])
        self.assertEqual(-1, self.put(instances=-1)["instances"])
        self.assertEqual(2, self.put(instances="2")["instances"])

    def test_what_is_used(self) -> None:
        self.boot()
        self.boot(token="second")
        detail = self.shown(f"{MINE}/detail")
        self.assertEqual((2, 2, 1024), tuple(detail[key]["in_use"] for key in ("instances", "cores", "ram")))
        self.assertEqual(1, self.shown(f"{MINE}/detail?user_id=u1")["instances"]["in_use"])
        limits = self.ok("GET", "/limits")["limits"]["absolute"]
        self.assertEqual((2, 1024), (limits["totalInstancesUsed"], limits["totalRAMUsed"]))
        theirs = self.ok("GET", f"/limits?tenant_id={OTHER}", token="admin")["limits"]["absolute"]
        self.assertEqual(0, theirs["totalInstancesUsed"])

    def test_limits_follow_the_quotas(self) -> None:
        self.put(cores=5, ram=-1, metadata_items=2)
        limits = self.ok("GET", "/limits")["limits"]["absolute"]
        self.assertEqual((5, -1, 2, 2), tuple(limits[key] for key in LIMITED))

    def test_a_class_that_nobody_is_in(self) -> None:
        self.put("/os-quota-class-sets/gold", cores=1)
        self.assertNotEqual(1, self.shown()["cores"])


LIMITED = ("maxTotalCores", "maxTotalRAMSize", "maxServerMeta", "maxImageMeta")


class Refused(QuotasTest):
    def test_numbers_and_names(self) -> None:
        before = self.dump()
        for name, value in (
            ("cores", -2),
            ("cores", "-2"),
            ("cores", 2**31),
            ("cores", "9" * 30),
            ("cores", 1.5),
            ("cores", "x"),
            ("cores", None),
            ("cores", []),
            ("force", "perhaps"),
            ("gold", 1),
        ):
            for path, wrapper in ((MINE, "quota_set"), (DEFAULT, "quota_class_set")):
                self.assertIn(name, self.refused(400, "PUT", path, {wrapper: {name: value}}, token="admin"))
        self.refused(400, "PUT", MINE, {"quota_set": {"floating_ips": 1}}, version=36, token="admin")
        self.refused(400, "PUT", MINE, {"quota_set": {"injected_files": 1}}, version=57, token="admin")
        self.assertEqual(before, self.dump())

    def test_projects_that_are_none(self) -> None:
        for method, body in (("GET", None), ("PUT", {"quota_set": {"cores": 1}})):
            self.assertIn("nobody", self.refused(400, method, "/os-quota-sets/nobody", body, token="admin"))

    def test_others_quotas(self) -> None:
        for path in (f"/os-quota-sets/{OTHER}", f"/os-quota-sets/{OTHER}/detail", f"/limits?tenant_id={OTHER}"):
            self.refused(403, "GET", path)
