# SPDX-License-Identifier: Apache-2.0
"""Guests that change by themselves, on a hypervisor that tells."""

from __future__ import annotations

import threading
from collections.abc import Callable

from minicloud.states import Power
from minicloud.virt.driver import Order
from minicloud.virt.fake import FakeDriver
from minicloud.virt.roles import SupportsGuestEvents
from tests.unit.compute.suite import CellTest


class TellingDriver(FakeDriver, SupportsGuestEvents):
    changed: Callable[[str], None]

    def listen(self, changed: Callable[[str], None]) -> None:
        self.changed = changed


class TestGuestEvents(CellTest):
    def test_a_server_that_ends_by_itself_is_stopped_at_once(self) -> None:
        driver = TellingDriver(self.conf, "h1")
        self.start_host(driver=driver)
        one = self.built()
        driver.power_off(Order(one, threading.Event()))
        driver.changed(one.uuid)
        after = self.until(one, vm_state="stopped", task_state=None)
        self.assertEqual(Power.SHUTDOWN, after.power_state)

    def test_what_is_not_known_is_nothing(self) -> None:
        driver = TellingDriver(self.conf, "h1")
        self.start_host(driver=driver)
        one = self.built()
        driver.changed("5d2f6a5e-6b0a-4c1f-8a3f-9f0a3d3a6f10")
        driver.changed(one.uuid)
        self.assertEqual("active", self.until(one, vm_state="active", task_state=None).vm_state)
