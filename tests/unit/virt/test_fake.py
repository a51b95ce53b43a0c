# SPDX-License-Identifier: Apache-2.0
"""The fake hypervisor: its memory, and everything that can be made to go wrong with it."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import testtools

from minicloud import conf, exception
from minicloud.objects import Flavor, Instance
from minicloud.virt import loader
from minicloud.virt.driver import Cancelled, Order, SpawnOrder
from minicloud.virt.fake import FakeDriver

FLAVOR = Flavor(flavorid="1", name="m1.nano", vcpus=1, memory_mb=64, root_gb=1)


class FakeTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.conf = conf.new(files=[])
        self.conf.set_override("state_dir", folder.name)

    def driver(self, host: str = "h1", **options: Any) -> FakeDriver:
        for name, value in options.items():
            self.conf.set_override(name, value, group="fake")
        made = FakeDriver(self.conf, host)
        made.init_host()
        return made

    @staticmethod
    def order(attempt: int = 1, **metadata: str) -> SpawnOrder:
        """Keys are written without ``fake:``, with ``__`` for the second colon."""
        values = {f"fake:{key.replace('__', ':')}": value for key, value in metadata.items()}
        one = Instance(
            uuid=str(uuid.uuid4()),
            project_id="p",
            user_id="u",
            display_name="web",
            vm_state="building",
            flavor=FLAVOR,
            metadata=values,
        )
        return SpawnOrder(one, threading.Event(), attempt=attempt)


class Memory(FakeTest):
    def journal(self) -> Path:
        return self.folder / "fake" / "h1" / "guests.jsonl"

    def test_a_write_that_was_cut_short_loses_only_itself(self) -> None:
        driver = self.driver()
        orders = [self.order() for _ in range(3)]
        for order in orders:
            driver.spawn(order)
        self.journal().write_bytes(self.journal().read_bytes()[:-20])
        again = self.driver()
        self.assertEqual({order.instance.uuid for order in orders[:2]}, set(again.guests()))
        again.spawn(orders[2])
        self.assertEqual(3, len(self.driver().guests()))

    def test_the_journal_does_not_grow_for_ever(self) -> None:
        driver = self.driver()
        order = self.order()
        driver.spawn(order)
        for _ in range(1500):
            driver.reboot(order, hard=True)
        self.assertLess(len(self.journal().read_bytes().splitlines()), 1200)
        self.assertEqual(1, len(self.driver().guests()))

    def test_hosts_do_not_share(self) -> None:
        self.driver("h1").spawn(self.order())
        self.assertEqual({}, dict(self.driver("h2").guests()))

    def test_nobody_else_may_read_it(self) -> None:
        self.driver().spawn(self.order())
        self.assertEqual(0o600, self.journal().stat().st_mode & 0o777)

    def test_a_thousand_guests_are_quick(self) -> None:
        driver = self.driver()
        orders = [self.order() for _ in range(1000)]
        start = time.thread_time()
        for order in orders:
            driver.spawn(order)
        self.assertLess(time.thread_time() - start, 0.5)


class Faults(FakeTest):
    def refused(self, driver: FakeDriver, order: SpawnOrder) -> str:
        error = self.assertRaises(exception.BuildFailed, driver.spawn, order)
        self.assertEqual({}, dict(driver.guests()))
        return str(error)

    def test_first_builds_of_a_server_fail(self) -> None:
        driver = self.driver()
        self.assertIn("fake:fail_builds", self.refused(driver, self.order(1, fail_builds="2")))
        self.refused(driver, self.order(2, fail_builds="2"))
        driver.spawn(self.order(3, fail_builds="2"))

    def test_a_server_fails_on_some_hosts(self) -> None:
        self.refused(self.driver("h1"), self.order(fail_on_host="h0, h1"))
        self.driver("h2").spawn(self.order(fail_on_host="h0, h1"))

    def test_a_server_no_host_builds(self) -> None:
        self.assertRaises(exception.BuildAborted, self.driver().spawn, self.order(abort_build="yes"))

    def test_a_build_fails_as_an_action(self) -> None:
        self.refused(self.driver(), self.order(fail_action="stop,build"))

    def test_first_builds_of_a_host_fail(self) -> None:
        driver = self.driver(fail_builds=2)
        self.refused(driver, self.order())
        self.refused(driver, self.order())
        driver.spawn(self.order())

    def test_hosts_that_fail(self) -> None:
        self.refused(self.driver("h1", fail_on_hosts=["h1"]), self.order())
        self.driver("h2").spawn(self.order())

    def test_actions_that_fail_everywhere(self) -> None:
        driver = self.driver(fail_actions=["reboot"])
        order = self.order()
        driver.spawn(order)
        self.assertRaises(exception.VirtError, driver.reboot, order, hard=True)
        driver.power_off(order)

    def test_delays(self) -> None:
        driver = self.driver(build_delay=5.0, delays={"stop": "0.1"})
        for order, act in (
            (self.order(build_seconds="0.1"), driver.spawn),
            (self.order(delay__build="0.1"), driver.spawn),
        ):
            self.assertGreaterEqual(self.seconds(act, order), 0.1)
            self.assertGreaterEqual(self.seconds(driver.power_off, order), 0.1)
        slow = self.order(build_seconds="0", delay__delete="0.1")
        self.assertLess(self.seconds(driver.spawn, slow), 0.1)
        self.assertGreaterEqual(self.seconds(driver.destroy, slow), 0.1)

    @staticmethod
    def seconds(act: Any, order: Order) -> float:
        start = time.monotonic()
        act(order)
        return time.monotonic() - start

    def test_what_hangs_can_be_interrupted(self) -> None:
        driver = self.driver()
        for metadata in ({"hang": "build"}, {"build_seconds": "1e30"}, {"delay__build": "inf"}):
            order = self.order(**metadata)
            threading.Timer(0.05, order.cancelled.set).start()
            self.assertRaises(Cancelled, driver.spawn, order)
        self.assertEqual({}, dict(driver.guests()))

    def test_a_delete_never_hangs(self) -> None:
        driver = self.driver()
        order = self.order(hang="delete")
        driver.spawn(order)
        driver.destroy(order)
        self.assertEqual({}, dict(driver.guests()))

    def test_nonsense_is_ignored(self) -> None:
        for value in ("", "x", "-1", "nan", "٣٤x", "9" * 200 + "e"):
            self.driver().spawn(self.order(build_seconds=value, fail_builds=value, delay__build=value))


class Loader(FakeTest):
    def test_names(self) -> None:
        self.assertIsInstance(loader.load(self.conf, "h1"), FakeDriver)
        for name in ("fake.Nothing", "nothing.Driver", "fake", "driver.Order", "..conf.new"):
            self.conf.set_override("compute_driver", name)
            self.assertRaises(exception.ConfigurationError, loader.load, self.conf, "h1")

    def test_what_a_host_offers_is_configured(self) -> None:
        (node,) = self.driver(vcpus=3, memory_mb=4, local_gb=5, traits=["HW_X"], stats={"gpu": "yes"}).nodes()
        self.assertEqual(
            (3, 4, 5, ("HW_X",), {"gpu": "yes"}), (node.vcpus, node.memory_mb, node.local_gb, node.traits, node.stats)
        )
