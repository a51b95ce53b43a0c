# SPDX-License-Identifier: Apache-2.0
"""The listener, as far as it needs no daemon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import testtools

from minicloud.virt.docker.events import Events
from minicloud.virt.docker.guests import HOST, INSTANCE


class Stream:
    """What the daemon tells, until it is closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield {"Action": "start", "Actor": {"Attributes": {"name": "mc-u1", INSTANCE: "u1", HOST: "h1"}}}

    def close(self) -> None:
        self.is_closed = True


class Slow:
    """A daemon that takes until it is let go to answer, with guests and wiring that note what is done."""

    wanted = (f"{HOST}=h1",)

    def __init__(self) -> None:
        self.api = self
        self.asked, self.let_go = threading.Event(), threading.Event()
        self.stream = Stream()
        self.plugged: list[str] = []

    def events(self, **_filters: Any) -> Stream:
        self.asked.set()
        self.let_go.wait(10)
        return self.stream

    def powers(self) -> dict[str, int]:
        return {"u1": 1}

    def is_ours(self, _name: str, _labels: dict[str, str]) -> bool:
        return True

    def refresh(self, instance_uuid: str) -> None:
        self.plugged.append(instance_uuid)


class TestEvents(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.slow = Slow()
        self.told: list[str] = []
        self.events = Events(self.slow, self.slow, self.slow)  # type: ignore[arg-type]
        self.events.tell(self.told.append)
        self.addCleanup(self.slow.let_go.set)

    def test_a_start_is_plugged_in_and_told(self) -> None:
        self.slow.let_go.set()
        self.events.start()
        self.addCleanup(self.events.stop)
        self._until(lambda: len(self.told) >= 2)
        self.assertEqual(["u1", "u1"], self.slow.plugged[:2])

    def test_stopped_while_the_daemon_takes_its_time(self) -> None:
        """A listener that went on would plug in the guests of whoever comes next."""
        self.events.start()
        self.assertTrue(self.slow.asked.wait(10))
        stopping = threading.Thread(target=self.events.stop)
        stopping.start()
        self._until(self.events._stopping.is_set)
        self.slow.let_go.set()
        stopping.join(10)
        self.assertEqual((True, [], []), (self.slow.stream.is_closed, self.slow.plugged, self.told))

    def _until(self, look: Any) -> None:
        for _ in range(1000):
            if look():
                return
            threading.Event().wait(0.01)
        self.fail("never")
