# SPDX-License-Identifier: Apache-2.0
"""minicloud-manage, against real databases."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import testtools

from minicloud import conf as configuration
from minicloud.builtin.identity import db as identity
from minicloud.builtin.image import db as image
from minicloud.builtin.network import db as network
from minicloud.cmd import manage
from minicloud.cmd.manage.base import masked
from minicloud.cmd.manage.commands import COMMANDS
from minicloud.db import api, cell, migrate
from minicloud.db.api import mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.cell import compute_nodes, instances
from minicloud.db.session import Database, open_database
from minicloud.objects import CELL0_UUID, ComputeNode
from minicloud.web.moments import now
from tests.fixtures import databases
from tests.unit.db.test_cell import instance

CELL1_UUID = "00000000-0000-0000-0000-000000000001"

#: Those with a database of their own.
NEIGHBOURS = {"identity": identity.MIGRATIONS, "image": image.MIGRATIONS, "network": network.MIGRATIONS}


class ManageCase(testtools.TestCase):
    """A configuration file, and the program run in this process."""

    SERVER = "SQLite"

    def setUp(self) -> None:
        super().setUp()
        # The program sets up logging for its process, which is that of other tests here.
        root = logging.getLogger()
        self.addCleanup(setattr, root, "handlers", list(root.handlers))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "minicloud.conf"
        lines = ["[DEFAULT]", f"state_dir = {self.folder}"]
        if self.SERVER != "SQLite":
            lines.append("[database]")
            names = ("api", "cell0", "cell", "identity", "image", "network")
            lines += [f"{name} = {databases.new_url(self, self.SERVER)}" for name in names]
        self.file.write_text("\n".join(lines) + "\n")
        self.conf = configuration.new(files=[str(self.file)])

    def run_manage(self, line: str, *more: str) -> tuple[int, str, str]:
        """:returns: the exit code, what went to stdout and to stderr"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = manage.main(["--config-file", str(self.file), *line.split(), *more])
        return code, out.getvalue(), err.getvalue()

    def ok(self, line: str, *more: str) -> str:
        code, out, err = self.run_manage(line, *more)
        self.assertEqual(0, code, f"{line}: {err}")
        return out

    def refused(self, code: int, line: str, *more: str) -> str:
        found, _, err = self.run_manage(line, *more)
        self.assertEqual(code, found, f"{line}: {err}")
        self.assertNotIn("Traceback", err)
        return err

    def open(self, name: str) -> Database:
        db = open_database(self.conf, name)
        self.addCleanup(db.dispose)
        return db

    def set_up(self) -> None:
        """All databases and the cell, as an operator does it."""
        self.ok("api_db sync")
        self.ok("cell_v2 map_cell0")
        self.ok("db sync")
        self.ok("cell_v2 create_cell")

    def report_host(self, *hosts: str) -> None:
        """Records that computes make in their cell."""
        with self.open("cell").writer() as conn:
            for host in hosts:
                compute_nodes.save(conn, node(host), now())

    def read(self, query: Callable[..., object], *args: object, **named: object) -> object:
        """What a query of the API database finds."""
        db = self.open("api")
        with db.reader() as conn:
            return query(conn, *args, **named)


def node(host: str) -> ComputeNode:
    return ComputeNode(
        uuid="", host=host, hypervisor_hostname=host, hypervisor_type="fake", vcpus=4, memory_mb=4096, local_gb=100
    )


class LifeTest(ManageCase):
    """What an operator does from the first command to the last, on every database."""

    def test_from_nothing_to_nothing(self) -> None:
        self.assertEqual("none\n", self.ok("api_db version"))
        self.set_up()
        heads = [migrate.head(api.MIGRATIONS), migrate.head(cell.MIGRATIONS)]
        self.assertEqual(heads, [self.ok(f"{each} version").strip() for each in ("api_db", "db")])
        self.assertEqual("", self.ok("service_db sync"))
        listed = "".join(f"{name} {migrate.head(location)}\n" for name, location in NEIGHBOURS.items())
        self.assertEqual(listed, self.ok("service_db version"))
        self.report_host("one", "two")
        self.assertIn("2 new hosts", self.ok("cell_v2 discover_hosts --verbose"))
        self.assertEqual({"one": CELL1_UUID, "two": CELL1_UUID}, self.read(mappings.hosts))
        self.assertEqual({"one", "two"}, {each.host for each in self.read(placement_db.providers)})
        listed = self.ok("cell_v2 list_hosts")
        self.assertEqual(2, listed.count(CELL1_UUID))
        self.ok(f"cell_v2 delete_host --cell_uuid {CELL1_UUID} --host two")
        self.assertEqual({"one": CELL1_UUID}, self.read(mappings.hosts))
        self.refused(1, "cell_v2 discover_hosts --strict")
        self.refused(2, f"cell_v2 delete_cell --cell_uuid {CELL1_UUID}")
        self.ok(f"cell_v2 delete_cell --force --cell_uuid {CELL1_UUID}")
        self.assertEqual(({}, []), (self.read(mappings.hosts), self.read(placement_db.providers)))
        self.assertNotIn(CELL1_UUID, self.ok("cell_v2 list_cells"))

    def test_bootstrap_twice(self) -> None:
        self.assertIn("/identity", self.ok("bootstrap"))
        passwords = json.loads((self.folder / "passwords.json").read_text())
        self.ok("bootstrap")
        self.assertEqual(passwords, json.loads((self.folder / "passwords.json").read_text()))
        self.assertEqual([CELL0_UUID, CELL1_UUID], [cell.uuid for cell in self.read(mappings.cells)])
        heads = {name: migrate.head(location) for name, location in NEIGHBOURS.items()}
        self.assertEqual(heads, {name: self.ok(f"service_db version {name}").strip() for name in heads})


class MariaDbLifeTest(LifeTest):
    SERVER = "MariaDB"


class PostgresqlLifeTest(LifeTest):
    SERVER = "PostgreSQL"


class DatabasesTest(ManageCase):
    def test_the_cells_database_alone(self) -> None:
        self.ok("db sync --local_cell")
        self.assertEqual(f"{migrate.head(cell.MIGRATIONS)}\n", self.ok("db version"))
        self.assertFalse((self.folder / "cell0.sqlite").exists())

    def test_cell0_is_where_the_mapping_says(self) -> None:
        self.ok("api_db sync")
        self.ok(f"cell_v2 map_cell0 --database_connection sqlite:///{self.folder}/elsewhere.sqlite")
        self.ok("db sync")
        self.assertTrue((self.folder / "elsewhere.sqlite").exists())
        self.assertFalse((self.folder / "cell0.sqlite").exists())

    def test_versions_there_are_not(self) -> None:
        self.assertIn("0001", self.refused(1, "db sync 0815"))
        self.ok("api_db sync 0001")
        self.assertEqual("0001\n", self.ok("api_db version"))

    def test_no_tables_yet(self) -> None:
        for command in ("list_cells", "list_hosts", "discover_hosts", "simple_cell_setup", "map_cell0", "create_cell"):
            self.assertIn("api_db sync", self.refused(1, f"cell_v2 {command}"))

    def test_no_such_file_and_a_wrong_one(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(1, manage.main(["api_db", "version", "--config-file", str(self.folder / "nowhere")]))
        self.file.write_text("[database]\nwhat is this\n")
        self.refused(1, "api_db version")

    def test_a_database_that_does_not_answer(self) -> None:
        with self.file.open("a") as file:
            file.write("[database]\napi = postgresql+psycopg://who:secret@127.0.0.1:1/x\n")
        self.assertNotIn("secret", self.refused(1, "api_db sync"))


class CellsTest(ManageCase):
    def setUp(self) -> None:
        super().setUp()
        self.ok("api_db sync")

    def create(self, name: str, *more: str) -> str:
        return self.ok(
            f"cell_v2 create_cell --verbose --name {name} --transport-url rabbit://u:broker@{name}/"
            f" --database_connection mysql+pymysql://root:books@{name}/cell",
            *more,
        ).strip()

    def test_simple_cell_setup(self) -> None:
        self.ok("db sync")
        self.assertIn("discover_hosts", self.refused(1, "cell_v2 simple_cell_setup"))
        self.report_host("one")
        for _ in range(2):
            self.ok("cell_v2 simple_cell_setup --transport-url rabbit://somewhere/")
        cell0, cell1 = self.read(mappings.cells)
        self.assertEqual((CELL0_UUID, CELL1_UUID), (cell0.uuid, cell1.uuid))
        self.assertEqual("rabbit://somewhere/", cell1.transport_url)
        self.assertEqual({"one": CELL1_UUID}, self.read(mappings.hosts))

    def test_a_cell_that_does_not_answer_keeps_no_other_from_being_looked_at(self) -> None:
        self.ok("db sync")
        self.ok("cell_v2 create_cell --database_connection sqlite:////nowhere/x.sqlite --transport-url rabbit://a/")
        self.ok("cell_v2 create_cell --name second")
        self.report_host("one")
        self.assertIn("cell1", self.refused(1, "cell_v2 discover_hosts"))
        self.assertEqual(["one"], list(self.read(mappings.hosts)))

    def test_passwords_are_shown_only_on_request(self) -> None:
        self.create("a")
        quiet, loud = self.ok("cell_v2 list_cells"), self.ok("cell_v2 list_cells --verbose")
        for secret in ("broker", "books"):
            self.assertNotIn(secret, quiet)
            self.assertIn(secret, loud)
        self.assertIn("rabbit://u:****@a/", quiet)

    def test_addresses_are_of_one_cell(self) -> None:
        one = self.create("a")
        two = self.create("b", "--disabled")
        self.assertNotEqual(one, two)
        self.assertEqual([False, True], [cell.disabled for cell in self.read(mappings.cells)])
        said = self.refused(2, "cell_v2 create_cell --transport-url rabbit://u:broker@a/")
        self.assertNotIn("broker", said)
        self.refused(2, "cell_v2 create_cell --database_connection mysql+pymysql://root:books@b/cell")
        self.refused(1, "cell_v2 create_cell --transport-url nonsense")
        self.refused(3, f"cell_v2 update_cell --cell_uuid {one} --transport-url rabbit://u:broker@b/")

    def test_update(self) -> None:
        one = self.create("a")
        self.ok("cell_v2 map_cell0")
        self.refused(1, "cell_v2 update_cell --cell_uuid nobody")
        self.refused(2, f"cell_v2 update_cell --cell_uuid {one} --database_connection nonsense")
        self.refused(4, f"cell_v2 update_cell --cell_uuid {one} --disable --enable")
        self.refused(5, f"cell_v2 update_cell --cell_uuid {CELL0_UUID} --disable")
        self.ok(f"cell_v2 update_cell --cell_uuid {one} --name renamed --disable")
        cell = next(each for each in self.read(mappings.cells) if each.uuid == one)
        self.assertEqual(("renamed", True, "rabbit://u:broker@a/"), (cell.name, cell.disabled, cell.transport_url))
        self.ok(f"cell_v2 update_cell --cell_uuid {one} --enable")
        self.ok(f"cell_v2 update_cell --cell_uuid {one}")
        cell = next(each for each in self.read(mappings.cells) if each.uuid == one)
        self.assertEqual((False, "local:///cell1"), (cell.disabled, cell.transport_url))

    def test_delete_keeps_what_has_instances(self) -> None:
        one = self.create("a")
        living = instance(1)
        with self.open("api").writer() as conn:
            mappings.create_all(conn, [living], now())
            mappings.set_cell(conn, [living.uuid], one)
        self.refused(3, f"cell_v2 delete_cell --force --cell_uuid {one}")
        with self.open("api").writer() as conn:
            mappings.queue_for_delete(conn, living.uuid)
        self.refused(4, f"cell_v2 delete_cell --cell_uuid {one}")
        self.ok(f"cell_v2 delete_cell --force --cell_uuid {one}")
        self.refused(1, f"cell_v2 delete_cell --cell_uuid {one}")


class HostsTest(ManageCase):
    def setUp(self) -> None:
        super().setUp()
        self.set_up()
        self.report_host("one")
        self.ok("cell_v2 discover_hosts")

    def test_delete_host(self) -> None:
        other = self.ok(
            "cell_v2 create_cell --verbose --name b --transport-url rabbit://b/ --database_connection sqlite:///x"
        ).strip()
        self.refused(1, "cell_v2 delete_host --cell_uuid nobody --host one")
        self.refused(2, f"cell_v2 delete_host --cell_uuid {CELL1_UUID} --host two")
        self.refused(3, f"cell_v2 delete_host --cell_uuid {other} --host one")
        db = self.open("cell")
        with db.writer() as conn:
            instances.create_all(conn, [instance(1, host="one")], now())
        self.refused(4, f"cell_v2 delete_host --cell_uuid {CELL1_UUID} --host one")
        self.assertEqual(["one"], list(self.read(mappings.hosts)))
        with db.writer() as conn:
            instances.destroy(conn, instance(1).uuid, now())
        self.ok(f"cell_v2 delete_host --cell_uuid {CELL1_UUID} --host one")
        self.assertEqual(({}, []), (self.read(mappings.hosts), self.read(placement_db.providers)))
        with db.reader() as conn:
            self.assertEqual([], compute_nodes.find(conn))

    def test_hosts_of_a_cell(self) -> None:
        self.assertIn("one", self.ok(f"cell_v2 list_hosts --cell_uuid {CELL1_UUID}"))
        self.refused(1, "cell_v2 list_hosts --cell_uuid nobody")
        self.refused(1, "cell_v2 discover_hosts --cell_uuid nobody")
        self.assertIn("0 new hosts", self.ok(f"cell_v2 discover_hosts --cell-uuid {CELL1_UUID} --verbose"))


class MaskTest(testtools.TestCase):
    def test_every_password_goes(self) -> None:
        for shown, url in (
            ("none:///", "none:///"),
            ("sqlite:////a/b@c.sqlite", "sqlite:////a/b@c.sqlite"),
            ("rabbit://u:****@a:1,u:****@b:2/v", "rabbit://u:p@a:1,u:q,r@b:2/v"),
            (
                "mysql+pymysql://root:****@h/x?ssl_password=****&a=b",
                "mysql+pymysql://root:p:w/d@h/x?ssl_password=z&a=b",
            ),
            ("rabbit://u@h/", "rabbit://u@h/"),
        ):
            self.assertEqual(shown, masked(url))


class TableTest(testtools.TestCase):
    def test_every_command_is_there(self) -> None:
        for _, commands in COMMANDS.values():
            for command in commands.values():
                module, _, function = command.run.partition(":")
                self.assertTrue(
                    callable(getattr(__import__(f"minicloud.cmd.manage.{module}", fromlist=["x"]), function))
                )
