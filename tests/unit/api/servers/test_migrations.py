# SPDX-License-Identifier: Apache-2.0
"""GET /os-migrations over all cells."""

from __future__ import annotations

from minicloud.api.microversions import MAXIMUM
from minicloud.api.v21 import migrations, servers
from minicloud.db.cell import moves
from minicloud.objects import Flavor, Migration
from minicloud.web.moments import now
from tests.unit.api.servers.base import ServersTest
from tests.unit.api.shapes import at, check, schemas

FLAVOR = Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=512, root_gb=1)


class Migrations(ServersTest):
    operations = (*servers.OPERATIONS, *migrations.OPERATIONS)
    rules = (*servers.RULES, *migrations.RULES)

    def setUp(self) -> None:
        super().setUp()
        self.server = self.active()
        for number in (1, 2):
            with self.cells.get(self.cell_uuids[number]).db.writer() as conn:
                for kind in ("resize", "migration"):
                    one = Migration(
                        uuid=f"{kind}-{number}", instance_uuid=self.server, migration_type=kind, status="finished",
                        source_compute=f"a{number}", source_node="n", dest_compute=f"b{number}", dest_node="n",
                        old_flavor=FLAVOR, new_flavor=FLAVOR, old_vm_state="active", user_id="u", project_id="p",
                    )  # fmt: skip
                    moves.create(conn, one, now())

    def listed(self, query: str = "", version: int = 80) -> list[str]:
        found = self.ok("GET", f"/os-migrations{query}", version=version, token="admin")["migrations"]
        return [one["uuid"] for one in found]

    def test_shapes(self) -> None:
        for version in (1, 23, 59, 80, MAXIMUM):
            answer = self.ok("GET", "/os-migrations", version=version, token="admin")
            check(self, at(version, schemas("migrations")).list_migrations, answer, version)
        self.refused(403, "GET", "/os-migrations")

    def test_newest_first_and_by_page(self) -> None:
        everything = self.listed()
        self.assertEqual(["migration-2", "resize-2", "migration-1", "resize-1"], everything)
        answer = self.ok("GET", "/os-migrations?limit=3", version=59, token="admin")
        self.assertEqual(3, len(answer["migrations"]))
        self.assertIn("marker=migration-1", answer["migrations_links"][0]["href"])
        self.assertEqual(["resize-1"], self.listed("?marker=migration-1"))
        self.refused(400, "GET", "/os-migrations?marker=x", version=59, token="admin")

    def test_filters(self) -> None:
        self.assertEqual(["resize-2", "resize-1"], self.listed("?migration_type=resize"))
        self.assertEqual(["migration-1", "resize-1"], self.listed("?host=b1"))
        self.assertEqual([], self.listed("?source_compute=b1"))
        self.assertEqual([], self.listed("?instance_uuid=x"))
        self.assertEqual([], self.listed("?changes-since=2999-01-01T00:00:00Z"))
        self.assertEqual(4, len(self.listed("?changes-before=2999-01-01T00:00:00Z&user_id=u&project_id=p")))
        self.refused(400, "GET", "/os-migrations?other=x", version=59, token="admin")
        self.refused(400, "GET", "/os-migrations?changes-since=x", version=59, token="admin")

    def test_of_one_server(self) -> None:
        path = f"/servers/{self.server}/migrations"
        self.assertEqual({"migrations": []}, self.ok("GET", path, version=23, token="admin"))
        self.refused(404, "GET", f"{path}/1", version=23, token="admin")
        self.refused(404, "GET", path, version=22, token="admin")
        self.refused(403, "GET", path, version=23)
