# SPDX-License-Identifier: Apache-2.0
"""GET /servers over two cells, cell0 and build requests: pages, orders, filters, cells that are down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from minicloud.db.cell import instances
from minicloud.web.moments import now
from tests.unit.api.servers.base import OTHER, PROJECT, ServersTest


class Listing(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("instances", -1, "quota")
        self.conf.set_override("cores", -1, "quota")

    def ids(self, query: str = "", **options: Any) -> list[str]:
        return [one["id"] for one in self.ok("GET", f"/servers{query}", **options)["servers"]]

    def make(self) -> list[str]:
        """Seven servers, newest first: two in each cell, one in cell0, two only accepted."""
        made = [
            self.active(1, server={"name": "a1"}),
            self.active(2, server={"name": "b2"}),
            self.active(0, server={"name": "c0"}, vm_state="error"),
            self.boot(name="d"),
            self.active(1, server={"name": "e1"}),
            self.active(2, server={"name": "f2"}),
            self.boot(name="g"),
        ]
        return made[::-1]

    def test_all_of_them_newest_first(self) -> None:
        made = self.make()
        self.assertEqual(made, self.ids())
        detail = self.ok("GET", "/servers/detail")["servers"]
        self.assertEqual(made, [one["id"] for one in detail])
        self.assertEqual(["BUILD", "ACTIVE"], [one["status"] for one in detail[:2]])
        self.assertEqual([], self.ids(token="other"))

    def test_pages_in_every_order(self) -> None:
        self.make()
        for order in (
            "",
            "&sort_key=display_name&sort_dir=asc",
            "&sort_key=vm_state&sort_key=display_name&sort_dir=desc",
        ):
            whole = self.ids(f"?limit=1000{order}")
            self.assertEqual(7, len(whole))
            for size in (1, 2, 3, 7):
                pages: list[str] = []
                path = f"/servers?limit={size}{order}"
                while path:
                    answer = self.ok("GET", path)
                    pages += [one["id"] for one in answer["servers"]]
                    following = answer.get("servers_links")
                    path = ""
                    if following:
                        parts = urlsplit(following[0]["href"])
                        self.assertTrue(parts.path.startswith("/compute/v2.1/servers"))
                        path = f"/servers?{parts.query}"
                self.assertEqual(whole, pages, f"{order} {size}")
        names = [one["name"] for one in self.ok("GET", "/servers?sort_key=display_name&sort_dir=asc")["servers"]]
        self.assertEqual(["a1", "b2", "c0", "d", "e1", "f2", "g"], names)

    def test_a_server_on_its_way_is_shown_once(self) -> None:
        server_id = self.boot()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            request = self.scheduler.messages[0][2][0]
            instances.create(conn, request.instance.replace(host="host1", display_name="placed"), now())
        servers = self.ok("GET", "/servers")["servers"]
        self.assertEqual([(server_id, "placed")], [(one["id"], one["name"]) for one in servers])

    def test_filters(self) -> None:
        made = self.active(1, server={"name": "web-1", "key_name": "key"}, key_name="key", tags=("x", "y"))
        waiting = self.boot(version=52, name="web-2", tags=["x"])
        other = self.active(2, server={"name": "db"}, network_info=(), vm_state="stopped", locked_by="owner")
        whole = {made, waiting, other}
        for version, query, wanted in (
            (1, "name=web", {made, waiting}),
            (1, "name=^web-1$", {made}),
            (1, "name=[", set()),
            (1, "status=ACTIVE", {made}),
            (1, "status=build", {waiting}),
            (1, "status=ACTIVE&status=BUILD", {made, waiting}),
            (1, "status=whatever", set()),
            (1, "flavor=1", whole),
            (1, "flavor=2", set()),
            (1, "ip=192.168.1", {made}),
            (1, "ip6=fe80", whole),
            (5, "ip6=fe80", set()),
            (26, "tags=x", {made, waiting}),
            (26, "tags=x,y", {made}),
            (26, "tags-any=y,z", {made}),
            (26, "not-tags=x,y", {waiting, other}),
            (26, "not-tags-any=x", {other}),
            (25, "tags=x", whole),
            (73, "locked=true", {other}),
            (73, "locked=false", {made, waiting}),
            (83, "key_name=key", {made}),
            (82, "key_name=key", whole),
            (83, "vm_state=stopped", {other}),
            (83, "power_state=1", {made, other}),
            (1, "host=host1", whole),
            (1, "unknown=1", whole),
            (1, "project_id=nobody", whole),
        ):
            self.assertEqual(wanted, set(self.ids(f"?{query}", version=version)), f"{version} {query}")
        self.assertEqual({made}, set(self.ids("?host=host1", token="admin")))
        self.assertEqual({other}, set(self.ids("?node=host2", token="admin")))

    def test_what_is_refused(self) -> None:
        for version, query, word in (
            (1, "limit=-1", "limit"),
            (1, "limit=x", "limit"),
            (1, "marker=x", "marker"),
            (1, "marker=11111111-2222-3333-4444-555555555555", "marker"),
            (1, "sort_key=nope", "sort_key"),
            (1, "sort_dir=up", "sort_dir"),
            (1, "sort_key=display_name&sort_dir=asc&sort_dir=asc", "Sort direction"),
            (38, "status=whatever", "status"),
            (1, "changes-since=x", "changes-since"),
            (66, "changes-before=x", "changes-before"),
            (66, "changes-since=2030-01-01T00:00:00Z&changes-before=2020-01-01T00:00:00Z", "changes-since"),
            (75, "unknown=1", "unknown"),
            (75, "changes-before=x", "changes-before"),
            (1, "all_tenants=maybe", "all_tenants"),
        ):
            for path in ("/servers", "/servers/detail"):
                self.assertIn(word, self.refused(400, "GET", f"{path}?{query}", version=version), query)
        for query in ("all_tenants=1", "sort_key=host", "status=DELETED"):
            self.refused(403, "GET", f"/servers?{query}")

    def test_all_projects_for_administrators(self) -> None:
        mine, theirs = self.active(), self.active(2, token="other")
        self.assertEqual([mine], self.ids(token="admin"))
        self.assertEqual([theirs, mine], self.ids("?all_tenants=1", token="admin"))
        self.assertEqual([theirs, mine], self.ids("?all_tenants", token="admin"))
        self.assertEqual([mine], self.ids("?all_tenants=0", token="admin"))
        self.assertEqual([theirs], self.ids(f"?all_tenants=1&project_id={OTHER}", token="admin"))
        self.assertEqual([mine], self.ids(f"?all_tenants=1&tenant_id={PROJECT}", token="admin"))
        self.assertEqual([mine], self.ids(f"?tenant_id={OTHER}", token="admin"))

    def test_changes_since_has_what_is_deleted(self) -> None:
        before = now() - timedelta(seconds=10)
        kept, gone = self.active(), self.active(2)
        with self.cells.get(self.cell_uuids[2]).db.writer() as conn:
            instances.destroy(conn, gone, now())
        since = before.isoformat() + "Z"
        self.assertEqual([kept], self.ids())
        self.assertEqual({kept, gone}, set(self.ids(f"?changes-since={since}")))
        later = (now() + timedelta(hours=1)).isoformat() + "Z"
        self.assertEqual([], self.ids(f"?changes-since={later}"))
        self.assertEqual([], self.ids(f"?changes-before={since}", version=66))
        self.assertEqual([gone], self.ids("?deleted=true", token="admin"))
        self.assertEqual([gone], self.ids("?status=deleted", token="admin"))

    def test_a_cell_that_is_down(self) -> None:
        up, down = self.active(1), self.active(2)
        with self.cells.get(self.cell_uuids[2]).db.engine.connect() as conn:
            conn.execute(sa.text("ALTER TABLE instances RENAME TO away"))
            conn.commit()
        self.assertEqual([up], self.ids(version=68))
        answer = self.ok("GET", "/servers", version=69)["servers"]
        self.assertEqual([up, down], [one["id"] for one in answer])
        self.assertEqual({"id", "status", "links"}, answer[1].keys())
        answer = self.ok("GET", "/servers/detail", version=69)["servers"]
        self.assertEqual({"id", "status", "tenant_id", "created", "links"}, answer[1].keys())
        server = self.ok("GET", f"/servers/{down}", version=71)["server"]
        self.assertEqual(
            {
                "OS-EXT-AZ:availability_zone", "OS-EXT-STS:power_state", "created", "flavor", "id", "image", "links",
                "server_groups", "status", "tenant_id", "user_id",
            },
            server.keys(),
        )  # fmt: skip
        self.assertEqual(("UNKNOWN", "m1.tiny"), (server["status"], server["flavor"]["original_name"]))
        self.refused(503, "GET", f"/servers/{down}", version=68)
        self.refused(503, "DELETE", f"/servers/{down}", version=69)

    def test_patterns_that_would_take_too_long_are_refused(self) -> None:
        self.active(1, server={"name": "a" * 60 + "b"})
        for key in ("name", "display_name", "description", "hostname"):
            for pattern in ("(a%2B)%2B$", "(a|a)*$", "a*a*a*a*c", "(a*)\\1c", "a" * 256, "(?i)a"):
                self.assertIn(key, self.refused(400, "GET", f"/servers?{key}={pattern}", token="admin"), pattern)

    def test_patterns_that_are_not_valid_are_texts(self) -> None:
        server = self.active(1, server={"name": "a(b"})
        self.active(1, server={"name": "ab"})
        self.assertEqual([server], self.ids("?name=a(b"))
        self.assertEqual([], self.ids(f"?name={'(' * 255}"))

    def test_several_patterns_are_alternatives(self) -> None:
        made = [self.active(1, server={"name": name}) for name in ("xa", "xb", "xc")]
        for key in ("name", "hostname"):
            self.assertEqual(made[1::-1], self.ids(f"?{key}=^xa$&{key}=^.b&all_tenants=1", token="admin"))
