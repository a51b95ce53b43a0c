# SPDX-License-Identifier: Apache-2.0
"""minicloud doctor, on a cloud of fake hosts and SQLite that was brought into disorder."""

from __future__ import annotations

import json
import os
import shutil
import threading
import uuid
from typing import Any

from minicloud import context
from minicloud.builtin.network import bootstrap as network_bootstrap
from minicloud.builtin.network.db import networks as network_rows
from minicloud.builtin.network.db import ports as port_rows
from minicloud.builtin.network.drivers.books import BooksDriver
from minicloud.builtin.network.manager.core import Core, silent
from minicloud.builtin.network.manager.servers import ServerPorts
from minicloud.cmd import remembered
from minicloud.cmd.commands.process import Home, Record
from minicloud.cmd.setup import databases
from minicloud.cmd.setup.cells import map_cell, map_cell0
from minicloud.db.api import placement
from minicloud.db.api.placement import Allocation, Inventory, Provider
from minicloud.db.cell import instances, moves
from minicloud.db.session import Database, open_database
from minicloud.objects import Instance, Migration, NetworkRequest, PortOwner
from minicloud.states import Power
from minicloud.virt import loader
from minicloud.virt.driver import SpawnOrder
from minicloud.web.moments import now
from tests.unit.cmd.doctor.test_remembered import StateCase
from tests.unit.db.test_cell import instance

NODE = Provider("00000000-0000-0000-0001-000000000001", "h1", "h1", "c1", 0, ())


class DoctorCase(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = Home(self.state)
        self.home.prepare()
        self.conf = self.settings("host = h1\n")
        remembered.remember(self.conf, 1)
        self.api, self.cell, self.network = (self.database(name) for name in ("api", "cell", "network"))
        map_cell0(self.conf, self.api)
        map_cell(self.api, name="cell1", transport_url="local://", database_url=databases.address(self.cell))
        network_bootstrap.bootstrap(self.conf, self.network, admin_project="admin", demo_project="demo")
        with self.api.writer() as conn:
            placement.create_provider(conn, NODE)
            placement.set_inventories(conn, NODE.uuid, {"VCPU": Inventory(8)})
        self.driver = loader.load(self.conf, "h1")
        self.driver.init_host()
        self.plugs = ServerPorts(Core(self.conf, self.network, silent, BooksDriver()))

    def database(self, name: str) -> Database:
        db = open_database(self.conf, name)
        self.addCleanup(db.dispose)
        databases.sync(db, name)
        return db

    def doctor(self, *arguments: str) -> tuple[int, dict[str, list[str]]]:
        """:returns: the exit code, and by check the subjects of what was found"""
        code, out, err = self.minicloud("doctor", "-f", "json", *arguments)
        self.assertNotIn("Traceback", err)
        found: dict[str, list[str]] = {}
        for row in json.loads(out):
            found.setdefault(row["Check"], []).append(row["Subject"])
            self.last = row
        return code, found

    # --- what a cloud has ------------------------------------------------------------------

    def server(self, **values: Any) -> Instance:
        """One that is all right: record, guest, port and allocation."""
        one = instance(1, uuid=str(uuid.uuid4()), host="h1", node="h1", vm_state="active", task_state=None)
        one = one.replace(project_id="demo", power_state=int(Power.RUNNING), **values)
        self.write(one)
        self.boot(one)
        self.plug(one)
        self.claim(one.uuid)
        return one

    def write(self, one: Instance) -> None:
        with self.cell.writer() as conn:
            instances.create(conn, one, now())

    def boot(self, one: Instance) -> None:
        self.driver.spawn(SpawnOrder(one, threading.Event()))

    def plug(self, one: Instance) -> str:
        (network,) = self.networks()
        server = PortOwner(project_id="demo", uuid=one.uuid, hostname="", host="h1")
        (vif,) = self.plugs.allocate(context.admin(), server, [NetworkRequest(network_id=network)], [])
        return vif.port_id

    def networks(self) -> list[str]:
        with self.network.reader() as conn:
            return [one.id for one in network_rows.networks.rows(conn) if one.name == "private"]

    def claim(self, consumer: str) -> None:
        with self.api.writer() as conn:
            placement.allocate(conn, [Allocation(consumer, NODE.uuid, "VCPU", 1, "demo")], now())

    def forget(self, one: Instance) -> None:
        with self.cell.writer() as conn:
            instances.destroy(conn, one.uuid, now())


class TestDoctor(DoctorCase):
    def test_what_is_right_stays(self) -> None:
        one, two = self.server(), self.server(vm_state="stopped")
        self.assertEqual((0, {}), self.doctor())
        self.assertEqual((0, {}), self.doctor("--fix"))
        self.driver.init_host()
        self.assertEqual({one.uuid, two.uuid}, set(self.driver.guests()))

    def test_each_kind_is_named_and_mended(self) -> None:
        fine = self.server()
        deleted, lost = self.server(), self.server()
        self.forget(deleted)
        self.driver.destroy(SpawnOrder(lost, threading.Event()))
        poor = self.server()
        with self.api.writer() as conn:
            placement.free(conn, [poor.uuid])
        with self.network.reader() as conn:
            (left,) = port_rows.of_server(conn, deleted.uuid)
        wanted = {
            "guest without server": [deleted.uuid],
            "server without guest": [lost.uuid],
            "port without server": [left.id],
            "allocation without server": [deleted.uuid],
            "server without allocation": [poor.uuid],
        }
        self.assertEqual((1, wanted), self.doctor())
        self.assertEqual((1, wanted), self.doctor(), "looking changes nothing")
        self.assertEqual((0, wanted), self.doctor("--fix"))
        self.assertEqual((0, {}), self.doctor())

        self.driver.init_host()
        self.assertEqual({fine.uuid, poor.uuid}, set(self.driver.guests()))
        with self.cell.reader() as conn:
            after = instances.get(conn, lost.uuid)
            self.assertEqual("active", instances.get(conn, fine.uuid).vm_state)
        self.assertEqual("error", after.vm_state)
        self.assertIn("does not exist on this host", str(after.fault))
        with self.api.reader() as conn:
            held = {consumer for consumer, _ in placement.consumers(conn)}
        self.assertEqual({fine.uuid, lost.uuid, poor.uuid}, held)
        with self.network.reader() as conn:
            self.assertEqual([1, 0], [len(port_rows.of_server(conn, one.uuid)) for one in (fine, deleted)])

    def test_what_is_going_on_is_nobody_s_fault(self) -> None:
        busy = self.server(task_state="rebuilding")
        self.driver.destroy(SpawnOrder(busy, threading.Event()))
        moving = self.server(vm_state="resized")
        migration = Migration(
            uuid=str(uuid.uuid4()),
            instance_uuid=moving.uuid,
            migration_type="resize",
            status="finished",
            source_compute="h2",
            source_node="h2",
            dest_compute="h1",
            dest_node="h1",
            old_flavor=moving.flavor,
            new_flavor=moving.flavor,
            old_vm_state="active",
        )
        with self.cell.writer() as conn:
            moves.create(conn, migration, now())
            instances.update(conn, moving.uuid, now(), host="h2")
        self.claim(migration.uuid)
        self.assertEqual((0, {}), self.doctor("--fix"))

    def test_what_others_have_stays(self) -> None:
        """A port that an administrator has bound for a machine of which this cloud knows nothing."""
        (network,) = self.networks()
        stranger = str(uuid.uuid4())
        port_id = self.plug(instance(1, uuid=stranger))
        with self.network.writer() as conn:
            port_rows.ports.update(conn, port_id, made_by_compute=False)
        self.write(instance(2, uuid=str(uuid.uuid4()), host="elsewhere", vm_state="error", task_state=None))
        self.assertEqual((0, {}), self.doctor("--fix"))
        with self.network.reader() as conn:
            self.assertEqual([network], [port.network_id for port in port_rows.of_server(conn, stranger)])

    def test_a_cloud_that_runs_is_looked_at_twice(self) -> None:
        one = self.server()
        self.forget(one)
        with self.home.lock():
            self.home.write(Record(pid=os.getpid(), url="", local_url="", hosts=1, started_at=1.0, is_ready=True))
            code, found = self.doctor("--fix")
        self.assertEqual(1, code)
        self.assertEqual([one.uuid], found["guest without server"])
        self.driver.init_host()
        self.assertIn(one.uuid, self.driver.guests(), "the process that runs has it in its memory")
        code, found = self.doctor("--fix")
        self.assertEqual((0, ["guest without server"]), (code, list(found)))

    def test_without_all_cells_it_concludes_nothing(self) -> None:
        one = self.server()
        self.cell.dispose()
        shutil.move(self.state / "cell.sqlite", self.top / "away.sqlite")
        code, _, err = self.minicloud("doctor", "--fix")
        self.assertEqual(1, code)
        self.assertIn("cell1 cannot be asked", err)
        self.driver.init_host()
        self.assertIn(one.uuid, self.driver.guests())

    def test_no_cloud(self) -> None:
        shutil.rmtree(self.state)
        code, _, err = self.minicloud("doctor")
        self.assertEqual(1, code)
        self.assertIn("There is no cloud", err)
        self.assertFalse(self.state.exists(), "looking makes nothing")

    def test_a_hypervisor_that_is_away_does_not_keep_the_rest(self) -> None:
        one = self.server()
        self.forget(one)
        conf = self.settings("host = h1\n[network]\ndriver = books.BooksDriver\n", compute_driver="docker.DockerDriver")
        conf.set_override("url", f"unix://{self.top}/none.sock", group="docker")
        remembered.remember(conf, 1)
        code, found = self.doctor("--fix")
        self.assertEqual(1, code)
        self.assertEqual(["-"], found["guest without server"])
        self.assertEqual([one.uuid], found["allocation without server"])
        self.assertIn("port without server", found)
