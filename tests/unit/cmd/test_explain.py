# SPDX-License-Identifier: Apache-2.0
"""``minicloud explain`` on databases as a cloud leaves them."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path

import testtools

from minicloud.cmd import cli
from minicloud.db import api, cell, migrate
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import instances
from minicloud.db.session import Database
from minicloud.objects import (
    CELL0_UUID,
    BuildRequest,
    CellMapping,
    Decision,
    Flavor,
    HostReason,
    Instance,
    RequestSpec,
)
from minicloud.web.moments import now

FLAVOR = Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=64, root_gb=1)


def server(number: int, name: str) -> Instance:
    return Instance(
        uuid=f"00000000-0000-0000-0000-{number:012}",
        project_id="p",
        user_id="u",
        display_name=name,
        vm_state="active",
        flavor=FLAVOR,
    )


class TestExplain(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = Path(folder.name)
        self.api = self.database("api", api.MIGRATIONS)
        cells = [("cell0", CELL0_UUID), ("cell1", "11111111-1111-1111-1111-111111111111")]
        self.cells = [self.database(name, cell.MIGRATIONS) for name, _ in cells]
        with self.api.writer() as conn:
            for (name, uuid), db in zip(cells, self.cells, strict=True):
                url = db.url.render_as_string(hide_password=False)
                mappings.create_cell(
                    conn, CellMapping(uuid=uuid, name=name, transport_url="none:///", database_url=url)
                )

    def database(self, name: str, location: Path) -> Database:
        db = Database(f"sqlite:///{self.state / name}.sqlite")
        self.addCleanup(db.dispose)
        migrate.sync(db, location)
        return db

    def add(self, where: int, *servers: Instance) -> None:
        with self.cells[where].writer() as conn:
            instances.create_all(conn, servers, now())

    def decide(self, *decisions: Decision) -> None:
        with self.api.writer() as conn:
            build_requests.record(conn, decisions, now())

    def explain(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["explain", "--state-dir", str(self.state), *arguments])
        return code, out.getvalue(), err.getvalue()

    def test_every_attempt_and_host(self) -> None:
        one = server(1, "web")
        self.add(1, one)
        full = HostReason(host="h2", step="RamFilter", reason="64 MiB asked, 12 free")
        lost = HostReason(host="h1", step="claim", reason="lost a race")
        self.decide(
            Decision(instance_uuid=one.uuid, considered=2, reasons=(full, lost)),
            Decision(instance_uuid=one.uuid, attempt=2, considered=2, chosen="h1", weight=1.5, reasons=(full,)),
            Decision(instance_uuid=one.uuid, attempt=3, chosen="h3", weight=0.0),
        )
        code, out, _ = self.explain("web", "-f", "json")
        self.assertEqual(0, code)
        self.assertEqual(
            [
                [1, "-", "none chosen", "2 hosts considered"],
                [1, "h2", "RamFilter", "64 MiB asked, 12 free"],
                [1, "h1", "claim", "lost a race"],
                [2, "h1", "chosen", "weight 1.500, 2 hosts considered"],
                [2, "h2", "RamFilter", "64 MiB asked, 12 free"],
                [3, "h3", "chosen", "next best of the first attempt"],
            ],
            sorted((list(row.values()) for row in json.loads(out)), key=lambda row: row[0]),
        )
        self.assertEqual(out, self.explain(one.uuid, "-f", "json")[1])
        self.assertIn("| RamFilter", self.explain("web")[1])

    def test_a_name_is_found_wherever_the_server_is(self) -> None:
        buried, waiting = server(1, "a.b (c)"), server(2, "late")
        self.add(0, buried, server(3, "axb (c)"), server(4, "a.b (c) 2"))
        spec = RequestSpec(project_id="p", user_id="u", flavor=FLAVOR)
        with self.api.writer() as conn:
            build_requests.create_all(conn, [BuildRequest(instance=waiting, spec=spec)], "req-1", now())
        for one in (buried, waiting):
            self.decide(Decision(instance_uuid=one.uuid, chosen=one.display_name))
            self.assertIn(f"| {one.display_name} ", self.explain(one.display_name)[1])

    def test_says_what_is_wrong(self) -> None:
        self.add(1, server(1, "twin"), server(2, "twin"), server(3, "silent"))
        for name, reason in {
            "nobody": "no server with the name",
            "": "no server with the name",
            "%": "no server with the name",
            "twin": f"{server(1, '').uuid}, {server(2, '').uuid}",
            "silent": "decided nothing",
            "00000000-0000-0000-0000-000000000009": "decided nothing",
        }.items():
            code, out, err = self.explain(name)
            self.assertEqual((1, ""), (code, out))
            self.assertIn(reason, err)

    def test_no_cloud(self) -> None:
        (self.state / "api.sqlite").unlink()
        code, _, err = self.explain("web")
        self.assertEqual(1, code)
        self.assertIn("There is no cloud", err)
        self.assertFalse((self.state / "api.sqlite").exists(), "looking makes nothing")
