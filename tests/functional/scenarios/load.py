# SPDX-License-Identifier: Apache-2.0
"""Many requests at once, for more than there is."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.functional.base import CloudTest
from tests.functional.cloud import HOSTS

#: How many servers of the flavor used here fit on one host.
SHARE = 8
ROOM = HOSTS * SHARE


class Load(CloudTest):
    def test_fifty_boots_and_room_for_thirty(self) -> None:
        flavor = self.flavor(share=SHARE)
        for number in range(ROOM - 30):
            self.user.until(self.user.boot(f"before-{number}", flavor=flavor), "ACTIVE")
        with ThreadPoolExecutor(50) as pool:
            ids = list(pool.map(lambda number: self.user.boot(f"s{number}", flavor=flavor), range(50)))
        found = self.user.until_all({"ACTIVE", "ERROR"})
        self.assertEqual(50, len(set(ids)))
        self.assertEqual(Counter(ACTIVE=30, ERROR=20), Counter(found[one]["status"] for one in ids))
        for one in ids:
            if found[one]["status"] == "ERROR":
                self.assertIn("No valid host was found", found[one]["fault"]["message"])
        placed = Counter(host for host, guests in self.cloud.guests().items() for _ in guests)
        self.assertEqual(dict.fromkeys(self.cloud.hosts, SHARE), dict(placed))
        self.assert_consistent()
        self._clean(self.user)
        self.assert_nothing_left(self.user)

    def test_anti_affinity_holds_under_load(self) -> None:
        group = {"server_group": {"name": "apart", "policy": "anti-affinity"}}
        made = self.user.send("POST", "/compute/v2.1/os-server-groups", group, expect=200).body["server_group"]["id"]
        with ThreadPoolExecutor(12) as pool:
            ids = list(pool.map(lambda number: self.user.boot(f"s{number}", hints={"group": made}), range(12)))
        found = self.user.until_all({"ACTIVE", "ERROR"})
        active = [one for one in ids if found[one]["status"] == "ACTIVE"]
        self.assertEqual(HOSTS, len(active))
        self.assertEqual(set(self.cloud.hosts), {self.host_of(one) for one in active})
        self.assert_consistent()

    def test_affinity_holds_under_load(self) -> None:
        group = {"server_group": {"name": "together", "policy": "affinity"}}
        made = self.user.send("POST", "/compute/v2.1/os-server-groups", group, expect=200).body["server_group"]["id"]
        flavor = self.flavor(share=SHARE)
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda number: self.user.boot(f"s{number}", flavor=flavor, hints={"group": made}), range(12)))
        found = self.user.until_all({"ACTIVE", "ERROR"})
        active = [one for one, server in found.items() if server["status"] == "ACTIVE"]
        self.assertEqual(1, len({self.host_of(one) for one in active}))
        self.assertEqual(SHARE, len(active))
        self.assert_consistent()

    def test_one_request_for_many(self) -> None:
        server_id = self.user.boot("many", min_count=20, max_count=20)
        found = self.user.until_all({"ACTIVE"})
        self.assertEqual(20, len(found))
        self.assertIn(server_id, found)
        self.assertEqual({f"many-{number}" for number in range(1, 21)}, {one["name"] for one in found.values()})
        self.assert_consistent()

    def test_quota_holds_under_load(self) -> None:
        limits = {"quota_set": {"instances": 5}}
        self.admin.send("PUT", f"/compute/v2.1/os-quota-sets/{self.user.project_id}", limits, expect=200)
        body = self.user.boot_body("s", "42", {})
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.user.send("POST", "/compute/v2.1/servers", body), range(20)))
        self.assertEqual(Counter({202: 5, 403: 15}), Counter(one.status for one in answers))
        self.user.until_all({"ACTIVE"})
