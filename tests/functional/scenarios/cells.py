# SPDX-License-Identifier: Apache-2.0
"""Servers of several cells in one cloud, also while a cell is down."""

from __future__ import annotations

import time
from collections import Counter

from tests.functional.base import CloudTest
from tests.functional.client import wait
from tests.functional.cloud import ManyProcesses

#: Seconds that an answer may take while a cell is down; [cells] timeout is 2.
BOUND = 5.0


class Cells(CloudTest):
    cloud: ManyProcesses  # type: ignore[misc]  # a narrower one than the base's

    def setUp(self) -> None:
        super().setUp()
        group = {"server_group": {"name": "spread", "policy": "anti-affinity"}}
        self.group = self.user.send("POST", "/compute/v2.1/os-server-groups", group, expect=200).body["server_group"][
            "id"
        ]
        self.ids = [self.user.boot(f"s{number}", hints={"group": self.group}) for number in range(4)]
        for one in self.ids:
            self.user.until(one, "ACTIVE")
        # Before whatever removes the servers, and also when the test failed.
        self.addCleanup(self._open)

    def _open(self) -> None:
        self.cloud.road.open()
        wait(lambda: not self._unknown(), lambda: f"still down: {self._unknown()}")

    def _unknown(self) -> list[str]:
        return [one["id"] for one in self.user.servers() if one["status"] == "UNKNOWN"]

    def _in_cell(self, cell: str) -> set[str]:
        hosts = [host for host, name in self.cloud.cell_of.items() if name == cell]
        return {guest for host in hosts for guest in self.cloud.guests()[host]} & set(self.ids)

    def test_servers_of_both_cells_are_one_list(self) -> None:
        self.assertEqual({1}, set(Counter(self.host_of(one) for one in self.ids).values()))
        self.assertEqual(self.ids[::-1], [one["id"] for one in self.user.servers()])
        names = [one["name"] for one in self.user.servers("?sort_key=display_name&sort_dir=asc")]
        self.assertEqual(["s0", "s1", "s2", "s3"], names)
        self.assertEqual(self.ids[::-1], self._paged("?limit=1"))
        self.assertEqual(self.ids[::-1], self._paged("?limit=3"))
        self.assertEqual(self.ids, self._paged("?limit=2&sort_key=display_name&sort_dir=asc"))
        self.assertEqual([self.ids[2]], [one["id"] for one in self.user.servers("?name=s2")])
        self.assertEqual([], self.user.servers(f"?marker={self.ids[0]}"))

    def _paged(self, query: str) -> list[str]:
        found: list[str] = []
        path = f"/compute/v2.1/servers{query}"
        while path:
            page = self.user.get(path)
            found += [one["id"] for one in page["servers"]]
            nexts = [link["href"] for link in page.get("servers_links", ())]
            path = nexts[0].removeprefix(self.cloud.url) if nexts else ""
        return found

    def test_a_cell_that_refuses_connections(self) -> None:
        self.cloud.road.close()
        self._check_down()

    def test_a_cell_that_does_not_answer(self) -> None:
        self.cloud.road.block()
        self._check_down()

    def _check_down(self) -> None:
        lost = self._in_cell("cell2")
        self.assertEqual(2, len(lost))
        found = {one["id"]: one for one in self._soon("GET", "/servers/detail").body["servers"]}
        self.assertEqual(set(self.ids), set(found))
        self.assertEqual(lost, {one["id"] for one in found.values() if one["status"] == "UNKNOWN"})
        before = self._soon("GET", "/servers/detail", version="2.68").body["servers"]
        self.assertEqual(set(self.ids) - lost, {one["id"] for one in before})
        one = sorted(lost)[0]
        shown = self._soon("GET", f"/servers/{one}").body["server"]
        self.assertEqual(("UNKNOWN", self.user.project_id), (shown["status"], shown["tenant_id"]))
        self.assertNotIn("addresses", shown)
        for method, path in (("PUT", ""), ("POST", "/action")):
            body = {"server": {"name": "new"}} if method == "PUT" else {"os-stop": None}
            self.assertEqual(503, self._soon(method, f"/servers/{one}{path}", body, expect=None).status)
        self.assertEqual(4, len(self._soon("GET", "/servers").body["servers"]))
        self._check_the_rest_works()

    def _check_the_rest_works(self) -> None:
        new = self.user.boot("while-down")
        self.user.until(new, "ACTIVE")
        self.user.delete(new)
        self.user.until_gone(new)
        self.cloud.road.open()
        wait(lambda: not self._unknown(), lambda: f"still down: {self._unknown()}")
        for one in self.ids:
            self.assertEqual("ACTIVE", self.user.server(one)["status"])

    def _soon(self, method: str, path: str, body: object = None, *, expect: int | None = 200, version: str = "2.100"):  # type: ignore[no-untyped-def]
        began = time.monotonic()
        answer = self.user.send(method, f"/compute/v2.1{path}", body, expect=expect, version=version)
        self.assertLess(time.monotonic() - began, BOUND, f"{method} {path}")
        return answer
