# SPDX-License-Identifier: Apache-2.0
"""/v3/regions, /v3/services, /v3/endpoints, the version documents, and bootstrap."""

from __future__ import annotations

import webob

from minicloud.builtin.identity.bootstrap import bootstrap
from tests.unit.builtin.identity.base import URL, IdentityTestCase


class CatalogTest(IdentityTestCase):
    def test_a_new_service_is_in_the_catalog(self) -> None:
        service = self.ok("POST", "/services", {"service": {"type": "volumev3", "name": "c"}}, status=201)["service"]
        body = {
            "service_id": service["id"],
            "interface": "public",
            "region_id": "RegionOne",
            "url": "http://v/v3/$(project_id)s",
        }
        endpoint = self.ok("POST", "/endpoints", {"endpoint": body}, status=201)["endpoint"]
        links = {"self": f"{URL}/identity/v3/endpoints/{endpoint['id']}"}
        self.assertEqual(
            {**body, "id": endpoint["id"], "region": "RegionOne", "enabled": True, "links": links}, endpoint
        )
        shown = [one for one in self.log_in("demo").json["token"]["catalog"] if one["type"] == "volumev3"]
        self.assertEqual(f"http://v/v3/{self.cloud.projects['demo']}", shown[0]["endpoints"][0]["url"])
        system = self.log_in("admin", scope={"system": {"all": True}}).json["token"]["catalog"]
        self.assertEqual([[]], [one["endpoints"] for one in system if one["type"] == "volumev3"])
        self.ok("PATCH", f"/services/{service['id']}", {"service": {"enabled": False}})
        self.assertNotIn("volumev3", [one["type"] for one in self.log_in("demo").json["token"]["catalog"]])
        self.ok("DELETE", f"/services/{service['id']}", status=204)
        self.refused(404, "GET", f"/endpoints/{endpoint['id']}")

    def test_filters(self) -> None:
        self.assertEqual(["nova"], [one["name"] for one in self.ok("GET", "/services?type=compute")["services"]])
        self.assertEqual(["nova"], [one["name"] for one in self.ok("GET", "/services?name=nova")["services"]])
        self.assertEqual(4, len(self.ok("GET", "/endpoints?interface=public")["endpoints"]))
        query = f"?service_id={self.cloud.services['image']}&region_id=RegionOne"
        self.assertEqual({f"{URL}/image"}, {one["url"] for one in self.ok("GET", f"/endpoints{query}")["endpoints"]})

    def test_regions(self) -> None:
        self.ok("POST", "/regions", {"region": {"id": "R2", "parent_region_id": "RegionOne"}}, status=201)
        self.ok("PUT", "/regions/R3", {"region": {}}, status=201)
        self.refused(409, "POST", "/regions", {"region": {"id": "R2"}})
        self.assertEqual(3, len(self.ok("GET", "/regions", token=self.demo)["regions"]))
        self.refused(403, "DELETE", "/regions/RegionOne")
        self.refused(400, "PATCH", "/regions/RegionOne", {"region": {"parent_region_id": "R2"}})
        self.ok("DELETE", "/regions/R2", status=204)

    def test_what_is_refused(self) -> None:
        good = {"service_id": self.cloud.services["image"], "interface": "public", "url": "http://x"}
        for key, value in (("service_id", "no-such"), ("interface", "private"), ("url", "x")):
            self.assertIn(key, self.refused(400, "POST", "/endpoints", {"endpoint": {**good, key: value}}))

    def test_versions(self) -> None:
        root = webob.Request.blank("/", base_url=f"{URL}/identity").get_response(self.app)
        self.assertEqual(300, root.status_int)
        (version,) = root.json["versions"]["values"]
        self.assertEqual(("v3.14", "stable"), (version["id"], version["status"]))
        self.assertEqual([{"rel": "self", "href": f"{URL}/identity/v3/"}], version["links"])
        for path in ("", "/"):
            self.assertEqual(version, self.call("GET", path).json["version"])

    def test_addresses_that_no_database_takes(self) -> None:
        for path in ("/users/%00", "/users/%ff", "/users?name=%00", "/users?name=%ff"):
            self.refused(400, "GET", path)
        self.refused(404, "GET", "/users/%C3%A9")

    def test_empty_lists(self) -> None:
        for path, key in (("/limits", "limits"), ("/registered_limits", "registered_limits")):
            self.assertEqual([], self.ok("GET", path, token=self.demo)[key])
            self.assertEqual(401, self.call("GET", path).status_int)


class BootstrapTest(IdentityTestCase):
    def test_the_second_time_changes_nothing(self) -> None:
        again = bootstrap(self.conf, self.db, public_url=f"{URL}/", passwords={"admin": "other"})
        self.assertEqual((), again.created)
        self.assertEqual({}, again.passwords)
        self.assertEqual(self.cloud.users, again.users)
        self.assertEqual(self.cloud.services, again.services)
        self.assertEqual(201, self.log_in("admin").status_int)

    def test_endpoints_follow_the_url(self) -> None:
        bootstrap(self.conf, self.db, public_url="http://moved:1")
        urls = [one["url"] for one in self.ok("GET", "/endpoints")["endpoints"]]
        self.assertEqual(12, len(urls))
        self.assertEqual({"http://moved:1"}, {url[:14] for url in urls})

    def test_what_an_operator_took_away_stays_away(self) -> None:
        self.ok("DELETE", f"/users/{self.cloud.users['demo']}", status=204)
        again = bootstrap(self.conf, self.db, public_url=URL)
        self.assertNotIn("demo", again.users)

    def test_a_start_that_was_cut_short_is_ended(self) -> None:
        self.ok("DELETE", f"/users/{self.cloud.users['demo']}", status=204)
        self.ok("DELETE", f"/services/{self.cloud.services['identity']}", status=204)
        again = bootstrap(self.conf, self.db, public_url=URL, passwords={"demo": "new", "admin": "new"})
        self.assertIn("user demo", again.created)
        self.assertEqual("new", again.passwords["demo"])
        self.assertEqual("demo", self.log_in("demo", "new").json["token"]["project"]["name"])

    def test_no_secret_is_in_the_state_directory(self) -> None:
        for path in self.state_dir.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"admin-secret", path.read_bytes())
