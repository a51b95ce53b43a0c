# SPDX-License-Identifier: Apache-2.0
"""Flavors, their extra specs and who may use them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from minicloud.db.api import flavors
from tests.unit.api.base import ApiTest
from tests.unit.api.servers.base import OTHER, PROJECT
from tests.unit.api.shapes import at, check, sample, schemas, steps

FLAVORS, ACCESS, SPECS = schemas("flavors"), schemas("flavors_access"), schemas("flavors_extra_specs")
VERSIONS = steps(FLAVORS, "flavors", "flavor-manage", "flavor-access")
MAXIMUM = VERSIONS[-1]


class FlavorsTest(ApiTest):
    def make(self, flavor_id: str = "new", **values: Any) -> dict[str, Any]:
        body = {"name": flavor_id, "id": flavor_id, "ram": 64, "vcpus": 1, "disk": 1, **values}
        made: dict[str, Any] = self.ok("POST", "/flavors", {"flavor": body}, version=MAXIMUM, token="admin")["flavor"]
        return made

    def stored_ids(self) -> set[str]:
        with self.api_db.reader() as conn:
            return {one.flavorid for one in flavors.find_all(conn)}


class Shapes(FlavorsTest):
    def test_every_answer(self) -> None:
        for version in VERSIONS:
            body = sample("flavor-manage/flavor-create-post-req", version)
            body["flavor"] |= {"id": f"at-{version}", "name": f"at {version}"}
            made = self.ok("POST", "/flavors", body, version=version, token="admin")
            check(self, at(version, FLAVORS).create_update_get_flavor_details, made, version)
            self.like_sample("flavor-manage/flavor-create-post-resp", made, version)
            for token in ("reader", "admin"):
                shown = self.ok("GET", f"/flavors/at-{version}", version=version, token=token)
                check(self, at(version, FLAVORS).create_update_get_flavor_details, shown, version)
                self.like_sample("flavors/flavor-get-resp", shown, version)
                brief = self.ok("GET", "/flavors?limit=1", version=version, token=token)
                check(self, at(version, FLAVORS).list_flavors, brief, version)
                self.like_sample("flavors/flavors-list-resp", brief, version)
                full = self.ok("GET", "/flavors/detail?limit=1", version=version, token=token)
                check(self, at(version, FLAVORS).list_flavors_details, full, version)
                self.like_sample("flavors/flavors-detail-resp", full, version)
            if version >= 55:
                body = sample("flavor-manage/flavor-update-req", version)
                changed = self.ok("PUT", f"/flavors/at-{version}", body, version=version, token="admin")
                self.like_sample("flavor-manage/flavor-update-resp", changed, version)
            else:
                self.refused(404, "PUT", f"/flavors/at-{version}", {"flavor": {}}, version=version, token="admin")

    def test_access(self) -> None:
        for version in steps(ACCESS, "flavor-access"):
            flavor = f"f{version}"
            body = {"name": flavor, "id": flavor, "ram": 1, "vcpus": 1, "disk": 0, "os-flavor-access:is_public": False}
            self.ok("POST", "/flavors", {"flavor": body}, version=version, token="admin")
            added = self.ok(
                "POST",
                f"/flavors/{flavor}/action",
                {"addTenantAccess": {"tenant": OTHER}},
                version=version,
                token="admin",
            )
            listed = self.ok("GET", f"/flavors/{flavor}/os-flavor-access", version=version, token="admin")
            self.assertEqual(added, listed)
            for answer in (added, listed):
                check(self, at(version, ACCESS).add_remove_list_flavor_access, answer, version)
                self.like_sample("flavor-access/flavor-access-list-resp", answer, version)

    def test_extra_specs(self) -> None:
        self.make()
        path = "/flavors/new/os-extra_specs"
        made = self.ok("POST", path, {"extra_specs": {"hw:cpu_policy": "shared", "x:y": "1"}}, token="admin")
        check(self, SPECS[1].set_get_flavor_extra_specs, made, "set")
        self.assertEqual(made, self.ok("GET", path))
        one = self.ok("PUT", f"{path}/x:y", {"x:y": "2"}, token="admin")
        check(self, SPECS[1].set_get_flavor_extra_specs_key, one, "update")
        self.assertEqual({"x:y": "2"}, self.ok("GET", f"{path}/x:y"))
        self.ok("DELETE", f"{path}/x:y", token="admin")
        self.refused(404, "GET", f"{path}/x:y")
        self.assertEqual(
            {"hw:cpu_policy": "shared"}, self.ok("GET", "/flavors/new", version=61)["flavor"]["extra_specs"]
        )


class Lists(FlavorsTest):
    def test_pages_join_to_the_whole(self) -> None:
        for number in range(5):
            self.make(f"p{number}")
        for path in ("/flavors", "/flavors/detail"):
            whole = [one["id"] for one in self.ok("GET", path)["flavors"]]
            joined: list[str] = []
            query = "?limit=2"
            while query:
                answer = self.ok("GET", path + query)
                joined += [one["id"] for one in answer["flavors"]]
                links = answer.get("flavors_links")
                query = f"?{urlsplit(links[0]['href']).query}" if links else ""
            self.assertEqual(whole, joined)
            self.assertEqual(8, len(whole))
        link = self.ok("GET", "/flavors?limit=1&minRam=1")["flavors_links"][0]["href"]
        self.assertEqual({"limit": ["1"], "minRam": ["1"], "marker": ["0"]}, parse_qs(urlsplit(link).query))
        self.assertEqual({"flavors": []}, self.ok("GET", "/flavors?limit=0"))

    def test_sorted(self) -> None:
        for key, first in (("name", "big"), ("memory_mb", "diskless"), ("vcpus", "m1.tiny")):
            found = self.ok("GET", f"/flavors?sort_key={key}&sort_dir=asc")["flavors"]
            if key != "vcpus":
                self.assertEqual(first, found[0]["name"])
            backwards = self.ok("GET", f"/flavors?sort_key={key}&sort_dir=desc")["flavors"]
            self.assertNotEqual(found, backwards)

    def test_filters(self) -> None:
        def names(query: str, **options: Any) -> set[str]:
            return {one["name"] for one in self.ok("GET", f"/flavors?{query}", **options)["flavors"]}

        self.assertEqual({"big"}, names("minRam=513"))
        self.assertEqual({"m1.tiny", "big"}, names("minDisk=1"))
        self.assertEqual({"m1.tiny", "big", "diskless"}, names(""))
        self.assertEqual({"m1.tiny", "big", "diskless"}, names("is_public=none"))
        self.assertEqual({"secret"}, names("is_public=false", token="admin"))
        self.assertEqual({"m1.tiny", "big", "diskless"}, names("", token="admin"))
        self.assertEqual({"m1.tiny", "big", "diskless", "secret"}, names("is_public=None", token="admin"))
        self.assertEqual({"m1.tiny", "big", "diskless", "secret"}, names("", token="other"))
        self.assertEqual({"big"}, names("name=big", version=102))

    def test_wrong_queries(self) -> None:
        for query in ("limit=-1", "limit=x", "marker=none", "minRam=x", "is_public=x", "sort_key=x", "limit=9" * 9):
            self.refused(400, "GET", f"/flavors?{query}")
        self.refused(400, "GET", "/flavors?unknown=1", version=75)
        self.ok("GET", "/flavors?unknown=1", version=74)


class Changes(FlavorsTest):
    def test_private_flavors_are_for_their_projects(self) -> None:
        self.refused(404, "GET", "/flavors/secret")
        self.ok("GET", "/flavors/secret", token="other")
        self.ok("POST", "/flavors/secret/action", {"addTenantAccess": {"tenant": PROJECT}}, token="admin")
        self.ok("GET", "/flavors/secret")
        action = {"addTenantAccess": {"tenant": PROJECT}}
        self.refused(409, "POST", "/flavors/secret/action", action, token="admin")
        self.ok("POST", "/flavors/secret/action", {"removeTenantAccess": {"tenant": PROJECT}}, token="admin")
        self.refused(404, "POST", "/flavors/secret/action", {"removeTenantAccess": {"tenant": PROJECT}}, token="admin")
        self.refused(404, "GET", "/flavors/secret")
        self.refused(404, "GET", "/flavors/1/os-flavor-access", token="admin")
        self.refused(409, "POST", "/flavors/1/action", action, version=7, token="admin")
        nobody = {"addTenantAccess": {"tenant": "nobody"}}
        self.assertIn("nobody", self.refused(400, "POST", "/flavors/secret/action", nobody, token="admin"))

    def test_create(self) -> None:
        made = self.make("a.b", swap=5, **{"OS-FLV-EXT-DATA:ephemeral": 7, "description": "d"})
        self.assertEqual((5, 7, "d"), (made["swap"], made["OS-FLV-EXT-DATA:ephemeral"], made["description"]))
        body = {"name": "x", "id": "auto", "ram": "64", "vcpus": "2", "disk": "0"}
        made = self.ok("POST", "/flavors", {"flavor": body}, token="admin")["flavor"]
        self.assertEqual((36, 64, 2, ""), (len(made["id"]), made["ram"], made["vcpus"], made["swap"]))
        self.assertIn("a.b", self.refused(409, "POST", "/flavors", {"flavor": {**body, "id": "a.b"}}, token="admin"))
        self.refused(409, "POST", "/flavors", {"flavor": {**body, "name": "a.b", "id": "other"}}, token="admin")

    def test_fields_out_of_bounds(self) -> None:
        before = self.stored_ids()
        good = {"name": "x", "id": "x", "ram": 1, "vcpus": 1, "disk": 0}
        for key, value in (
            ("ram", 0),
            ("ram", "0"),
            ("ram", 2**31),
            ("ram", str(2**31)),
            ("ram", "9" * 5000),
            ("ram", -1),
            ("ram", 1.5),
            ("ram", True),
            ("ram", None),
            ("ram", []),
            ("vcpus", 0),
            ("disk", -1),
            ("swap", -1),
            ("swap", ""),
            ("OS-FLV-EXT-DATA:ephemeral", 2**40),
            ("rxtx_factor", -1),
            ("rxtx_factor", 0),
            ("rxtx_factor", "0.0"),
            ("rxtx_factor", "a"),
            ("rxtx_factor", "1" * 400),
            ("rxtx_factor", 1e300),
            ("name", ""),
            ("name", " "),
            ("name", "x" * 256),
            ("name", "a\x01b"),
            ("id", "x" * 256),
            ("id", "a/b"),
            ("id", " a"),
            ("os-flavor-access:is_public", "maybe"),
            ("os-flavor-access:is_public", 2),
        ):
            message = self.refused(400, "POST", "/flavors", {"flavor": {**good, key: value}}, token="admin")
            self.assertIn(f"flavor.{key}", message)
        bodies: list[Any] = [{"flavor": {**good, "more": 1}}, {"flavor": {"name": "x"}}, {"flavor": []}, {}]
        for body in bodies:
            self.refused(400, "POST", "/flavors", body, token="admin")
        self.refused(400, "POST", "/flavors", {"flavor": {**good, "description": "d"}}, version=54, token="admin")
        self.assertEqual(before, self.stored_ids())

    def test_update_and_delete(self) -> None:
        self.make()
        changed = self.ok("PUT", "/flavors/new", {"flavor": {"description": "d"}}, version=55, token="admin")
        self.assertEqual("d", changed["flavor"]["description"])
        self.ok("PUT", "/flavors/new", {"flavor": {"description": None}}, version=55, token="admin")
        self.refused(400, "PUT", "/flavors/new", {"flavor": {"name": "n"}}, version=55, token="admin")
        self.refused(400, "PUT", "/flavors/new", {"flavor": {"description": "x" * 65536}}, version=55, token="admin")
        self.ok("DELETE", "/flavors/new", code=202, token="admin")
        for method in ("GET", "DELETE"):
            self.refused(404, method, "/flavors/new", token="admin")

    def test_extra_specs_are_checked_from_86_on(self) -> None:
        path = "/flavors/1/os-extra_specs"
        for specs in ({"hw:cpu_policy": "sometimes"}, {"hw:unheard_of": "1"}):
            self.ok("POST", path, {"extra_specs": specs}, version=85, token="admin")
            (key,) = specs
            self.assertIn(key, self.refused(400, "POST", path, {"extra_specs": specs}, version=86, token="admin"))
        self.ok("POST", path, {"extra_specs": {"mine:unheard_of": "1"}}, version=86, token="admin")
        wrong: list[Any] = [{"": "1"}, {"a" * 256: "1"}, {"a": "b" * 256}, {"a/b": "1"}, {"a": None}, {}, {"a": {}}, []]
        for each in wrong:
            self.refused(400, "POST", path, {"extra_specs": each}, token="admin")
        self.refused(400, "PUT", f"{path}/a", {"b": "1"}, token="admin")
        self.refused(400, "PUT", f"{path}/a", {"a": "1", "b": "1"}, token="admin")
        self.refused(404, "DELETE", f"{path}/none", token="admin")
        self.refused(404, "GET", "/flavors/secret/os-extra_specs")
