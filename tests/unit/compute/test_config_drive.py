# SPDX-License-Identifier: Apache-2.0
"""Who gets a config drive, what is on it, and where a password is and is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from minicloud.compute.service import ComputeService
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.virt.driver import SpawnOrder
from minicloud.virt.fake import FakeDriver
from tests.unit.compute.suite import CellTest, spec


class Recorder(FakeDriver):
    """The fake hypervisor, with a memory for what guests were made from."""

    orders: list[SpawnOrder]

    def _put(self, order: SpawnOrder) -> None:
        self.orders.append(order)
        super()._put(order)

    def rescue(self, order: SpawnOrder) -> None:
        self.orders.append(order)
        super().rescue(order)


class ConfigDriveTest(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.orders: list[SpawnOrder] = []
        self.start()

    def start(self, name: str = "h1") -> ComputeService:
        driver = Recorder(self.conf, name)
        driver.orders = self.orders
        return self.start_host(name, driver=driver)

    def meta_data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files()["openstack/latest/meta_data.json"])
        return found

    def files(self) -> Mapping[str, bytes]:
        return self.orders[-1].files

    def rebuilt(self, instance: Instance, send: Callable[[Any, Instance], None], task: str) -> Instance:
        ctxt = self.act(instance, task, task)
        send(ctxt, self.get(instance))
        return self.until(instance, task_state=None)

    def test_nobody_gets_one_who_did_not_ask(self) -> None:
        one = self.built()
        self.assertEqual(({}, False), (dict(self.files()), one.config_drive))

    def test_whoever_asks_is_told_of_ports_and_zone(self) -> None:
        one = self.built(config_drive=True, availability_zone="west")
        shown = self.meta_data()
        self.assertEqual(
            (one.uuid, "web.cloud.local", "west"), (shown["uuid"], shown["hostname"], shown["availability_zone"])
        )
        links = json.loads(self.files()["openstack/latest/network_data.json"])["links"]
        self.assertEqual([vif.port_id for vif in one.network_info], [link["vif_id"] for link in links])
        self.assertNotIn("admin_pass", shown)

    def test_an_image_may_insist(self) -> None:
        one = self.built(image_properties={"img_config_drive": "mandatory"})
        self.assertEqual((one.uuid, True), (self.meta_data()["uuid"], one.config_drive))

    def test_an_image_that_merely_likes_one_does_not(self) -> None:
        self.built(image_properties={"img_config_drive": "optional"})
        self.assertEqual({}, dict(self.files()))

    def test_the_operator_may_insist(self) -> None:
        self.conf.set_override("force_config_drive", True, group="compute")
        self.assertTrue(self.built().config_drive)
        self.assertIn("openstack/latest/meta_data.json", self.files())

    def test_a_password_is_told_once_and_recorded_nowhere(self) -> None:
        made = self.new_instance(config_drive=True)
        self.compute.build_instance(self.ctxt, "h1", made, spec(), [], "s3cret-1")
        one = self.until(made, vm_state="active", task_state=None)
        self.assertEqual("s3cret-1", self.meta_data()["admin_pass"])
        self.assertNotIn("s3cret-1", repr(self.orders))
        self.rebuilt(one, lambda ctxt, it: self.compute.rebuild_instance(ctxt, "h1", it), "rebuilding")
        self.assertNotIn("admin_pass", self.meta_data())
        with self.db.reader() as conn:
            for table in sa.inspect(conn).get_table_names():
                self.assertNotIn("s3cret-1", str(conn.execute(sa.text(f"SELECT * FROM {table}")).all()))

    def test_rebuild_and_rescue_have_passwords_of_their_own(self) -> None:
        one = self.built(config_drive=True)
        stub: ComputeStub = self.compute
        self.rebuilt(one, lambda ctxt, it: stub.rebuild_instance(ctxt, "h1", it, "s3cret-2"), "rebuilding")
        self.assertEqual(("rebuild", "s3cret-2"), (self.orders[-1].purpose, self.meta_data()["admin_pass"]))
        self.rebuilt(one, lambda ctxt, it: stub.rescue_instance(ctxt, "h1", it, "s3cret-3"), "rescuing")
        self.assertEqual(("rescue", "s3cret-3"), (self.orders[-1].purpose, self.meta_data()["admin_pass"]))

    def test_the_next_host_is_given_the_password_again(self) -> None:
        made = self.new_instance(metadata={"fake:fail_builds": "1"})
        self.compute.build_instance(self.ctxt, "h1", made, spec(), [], "s3cret-1")
        self.wait_for(lambda: self.scheduler.retries)
        self.assertEqual("s3cret-1", self.scheduler.retries[0]["admin_password"])
