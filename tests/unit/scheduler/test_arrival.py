# SPDX-License-Identifier: Apache-2.0
"""Servers that are asked for before any host of their cloud is there."""

from __future__ import annotations

import threading
from dataclasses import replace

from minicloud.objects import CELL0_UUID
from minicloud.scheduler.arrival import Arrival
from minicloud.scheduler.manager import SchedulerManager
from tests.unit.scheduler.base import SchedulerCase


class BeforeTheFirstHost(SchedulerCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopping = threading.Event()

    def wait_for_hosts(self, seconds: float) -> None:
        self.env = replace(self.env, arrival=Arrival(self.env.view, seconds, self.stopping))
        self.manager = SchedulerManager(self.env)

    def later(self, what: object) -> None:
        timer = threading.Timer(0.5, what)  # type: ignore[arg-type]
        timer.start()
        self.addCleanup(timer.join)

    def test_a_server_waits_for_it(self) -> None:
        self.wait_for_hosts(30)
        self.later(lambda: self.add_host("h1"))
        (uuid,) = self.boot()
        _, instance = self.where(uuid)
        self.assertEqual("h1", instance.host if instance else None)

    def test_one_that_is_back_counts_and_one_that_is_disabled_too(self) -> None:
        self.add_host("h1")
        self.set_service("h1", forced_down=True, disabled=True)
        self.wait_for_hosts(30)
        self.later(lambda: self.set_service("h1", forced_down=False))
        (uuid,) = self.boot()
        self.assertEqual(CELL0_UUID, self.where(uuid)[0])
        self.set_service("h1", forced_down=True)
        (uuid,) = self.boot()  # hosts that go later are not waited for
        self.assertEqual(CELL0_UUID, self.where(uuid)[0])

    def test_not_for_ever(self) -> None:
        self.wait_for_hosts(0.3)
        (uuid,) = self.boot()
        mapped, instance = self.where(uuid)
        self.assertEqual(CELL0_UUID, mapped)
        self.assertIn("There are no hosts", str(instance.fault) if instance else "")

    def test_the_next_start_goes_on(self) -> None:
        self.wait_for_hosts(60)
        self.later(self.stopping.set)
        (uuid,) = self.boot()
        self.assertIsNone(self.where(uuid)[0])
        self.add_host("h1")
        self.restart()
        self.recovery.run()
        _, instance = self.where(uuid)
        self.assertEqual("h1", instance.host if instance else None)
