# SPDX-License-Identifier: Apache-2.0
"""Aggregates, and the availability zones that they make."""

from __future__ import annotations

from typing import Any

from minicloud.db.api import mappings
from tests.unit.api.base import ApiTest
from tests.unit.api.shapes import at, check, sample, schemas, steps

AGGREGATES, ZONES = schemas("aggregates"), schemas("availability_zone")


class AggregatesTest(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        with self.api_db.writer() as conn:
            mappings.map_host(conn, "host2", self.cell_uuids[2])

    def admin(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return self.ok(method, f"/os-aggregates{path}", body, token="admin", **options)

    def no(self, code: int, method: str, path: str, body: Any = None) -> str:
        return self.refused(code, method, f"/os-aggregates{path}", body, token="admin")

    def make(self, name: str, zone: str | None = None) -> int:
        body = {"aggregate": {"name": name, **({"availability_zone": zone} if zone else {})}}
        return int(self.admin("POST", "", body)["aggregate"]["id"])

    def zones(self) -> dict[str, list[str]]:
        found = self.ok("GET", "/os-availability-zone/detail", token="admin")["availabilityZoneInfo"]
        return {zone["zoneName"]: sorted(zone["hosts"]) for zone in found}


class Shapes(AggregatesTest):
    def test_every_answer(self) -> None:
        for version in steps(AGGREGATES, "os-aggregates"):
            schema = at(version, AGGREGATES)

            def send(
                method: str,
                path: str,
                body: Any,
                like: str | None,
                rule: Any,
                version: int = version,
            ) -> Any:
                answer = self.admin(method, path, body, version=version)
                check(self, rule, answer, version)
                if like:
                    self.like_sample(f"os-aggregates/{like}", answer, version)
                return answer

            body = sample("os-aggregates/aggregate-post-req", version)
            body["aggregate"]["name"] = f"at {version}"
            made = send("POST", "", body, "aggregate-post-resp", schema.create_aggregate)
            one = f"/{made['aggregate']['id']}"
            add, remove = {"add_host": {"host": "host2"}}, {"remove_host": {"host": "host2"}}
            moved = schema.aggregate_add_remove_host
            send("POST", f"{one}/action", add, "aggregates-add-host-post-resp", moved)
            send("GET", one, None, "aggregates-get-resp", schema.get_aggregate)
            send("GET", "", None, "aggregates-list-get-resp", schema.list_aggregates)
            send("POST", f"{one}/action", remove, "aggregates-remove-host-post-resp", moved)
            metadata = {"set_metadata": {"metadata": {"k": "v"}}}
            send("POST", f"{one}/action", metadata, "aggregates-metadata-post-resp", schema.aggregate_set_metadata)
            update = {"aggregate": {"name": f"now {version}", "availability_zone": f"z{version}"}}
            changed = send("PUT", one, update, "aggregate-update-post-resp", schema.update_aggregate)
            self.assertEqual(f"z{version}", changed["aggregate"]["metadata"]["availability_zone"])
            self.admin("DELETE", one, version=version)
            self.no(404, "GET", one)

    def test_zones(self) -> None:
        listed = self.ok("GET", "/os-availability-zone")
        check(self, ZONES[1].list_availability_zone_list, listed, "list")
        self.like_sample("os-availability-zone/availability-zone-list-resp", listed, 1)
        detail = self.ok("GET", "/os-availability-zone/detail", token="admin")
        check(self, ZONES[1].list_availability_zone_list_detail, detail, "detail")
        (zone,) = detail["availabilityZoneInfo"]
        self.assertEqual({"nova-compute"}, zone["hosts"]["host1"].keys())


class Changes(AggregatesTest):
    def test_hosts_and_zones(self) -> None:
        self.assertEqual({"nova": ["host1", "host2"]}, self.zones())
        one = self.make("one", "east")
        self.admin("POST", f"/{one}/action", {"add_host": {"host": "host1"}})
        self.assertEqual({"east": ["host1"], "nova": ["host2"]}, self.zones())
        self.no(409, "POST", f"/{one}/action", {"add_host": {"host": "host1"}})
        self.no(404, "POST", f"/{one}/action", {"add_host": {"host": "none"}})
        self.no(404, "POST", f"/{one}/action", {"remove_host": {"host": "host2"}})
        two = self.make("two", "west")
        message = self.no(409, "POST", f"/{two}/action", {"add_host": {"host": "host1"}})
        self.assertIn("east", message)
        self.no(400, "DELETE", f"/{one}")
        self.admin("POST", f"/{one}/action", {"remove_host": {"host": "host1"}})
        self.assertEqual({"nova": ["host1", "host2"]}, self.zones())
        self.admin("DELETE", f"/{one}")

    def test_a_host_in_two_aggregates_of_one_zone_or_of_none(self) -> None:
        for name, zone in (("one", "east"), ("two", "east"), ("three", None)):
            number = self.make(name, zone)
            self.admin("POST", f"/{number}/action", {"add_host": {"host": "host1"}})
        message = self.no(409, "PUT", f"/{number}", {"aggregate": {"availability_zone": "west"}})
        self.assertIn("host1", message)
        metadata = {"set_metadata": {"metadata": {"availability_zone": "west"}}}
        self.no(409, "POST", f"/{number}/action", metadata)
        self.assertIsNone(self.admin("GET", f"/{number}")["aggregate"]["availability_zone"])

    def test_hosts_with_servers_stay_in_their_zone(self) -> None:
        number = self.make("one", "east")
        self.active()
        message = self.no(409, "POST", f"/{number}/action", {"add_host": {"host": "host1"}})
        self.assertIn("host1", message)
        self.assertEqual({"nova": ["host1", "host2"]}, self.zones())

    def test_metadata(self) -> None:
        number = self.make("one", "east")
        self.admin("POST", f"/{number}/action", {"set_metadata": {"metadata": {"a": "1", "b": "2"}}})
        after = self.admin("POST", f"/{number}/action", {"set_metadata": {"metadata": {"a": None, "c": "3"}}})
        self.assertEqual({"availability_zone": "east", "b": "2", "c": "3"}, after["aggregate"]["metadata"])
        after = self.admin("PUT", f"/{number}", {"aggregate": {"availability_zone": None}})
        self.assertEqual({"b": "2", "c": "3"}, after["aggregate"]["metadata"])

    def test_names(self) -> None:
        one = self.make("one")
        self.no(409, "POST", "", {"aggregate": {"name": "one"}})
        self.no(409, "PUT", f"/{self.make('two')}", {"aggregate": {"name": "one"}})
        self.admin("PUT", f"/{one}", {"aggregate": {"name": "one"}})

    def test_what_is_refused(self) -> None:
        before = self.dump()
        for key, value in (
            ("name", ""),
            ("name", " "),
            ("name", "x" * 256),
            ("name", 5),
            ("availability_zone", "a:b"),
            ("availability_zone", ""),
            ("availability_zone", "z" * 256),
            ("more", "x"),
        ):
            message = self.no(400, "POST", "", {"aggregate": {"name": "n", key: value}})
            self.assertIn(key, message)
        self.no(400, "PUT", "/1", {"aggregate": {}})
        actions: list[Any] = [{}, {"add_host": {"host": "a"}, "remove_host": {"host": "a"}}, {"evict": {}}]
        for action in actions:
            self.no(400, "POST", "/1/action", action)
        wrong: list[Any] = [{}, {"a" * 256: "b"}, {"a": "b" * 256}, {"a": 1}, {"a/b": "c"}]
        for metadata in wrong:
            self.no(400, "POST", "/1/action", {"set_metadata": {"metadata": metadata}})
        for number in ("x", "1.5", "9" * 30):
            self.no(400, "GET", f"/{number}")
        for unknown in ("-1", "0", "999"):
            self.no(404, "GET", f"/{unknown}")
            self.no(404, "DELETE", f"/{unknown}")
        self.assertEqual(before, self.dump())

    def test_a_disabled_zone_is_not_available(self) -> None:
        for host in ("host1", "host2"):
            body = {"host": host, "binary": "nova-compute"}
            self.ok("PUT", "/os-services/disable", body, token="admin")
        (zone,) = self.ok("GET", "/os-availability-zone")["availabilityZoneInfo"]
        self.assertEqual(("nova", False), (zone["zoneName"], zone["zoneState"]["available"]))
