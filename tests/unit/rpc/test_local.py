# SPDX-License-Identifier: Apache-2.0
"""The local driver below RPC: bounds, expiry, prefetch, requeueing, notifications."""

from __future__ import annotations

import threading
import time
from typing import Any
from unittest import mock

import oslo_messaging as messaging
import testtools

from minicloud.rpc import base, spaces
from tests.unit.rpc import suite

CTXT: dict[str, Any] = {}


class LocalCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = suite.local_url()
        self.driver = self.new_driver()

    def new_driver(self) -> Any:
        transport = base.get_transport(suite.new_conf(), self.url)
        self.addCleanup(transport.cleanup)
        return transport._driver

    def target(self, **options: Any) -> messaging.Target:
        return messaging.Target(topic="t", **options)

    def listen(self, server: str = "a") -> Any:
        listener = self.driver.listen(self.target(server=server), 1, None)._poll_style_listener
        self.addCleanup(listener.stop)
        return listener

    def send(self, what: Any, **options: Any) -> None:
        self.driver.send(self.target(**options), CTXT, {"what": what})

    def poll(self, listener: Any, **options: Any) -> list[Any]:
        batch = listener.poll(timeout=0, **options)
        for incoming in batch:
            incoming.acknowledge()
        return [incoming.message["what"] for incoming in batch]


class TestLocalDriver(LocalCase):
    def test_it_really_serialises(self) -> None:
        listener, sent = self.listen(), {"a": [1]}
        self.send(sent)
        received = listener.poll(timeout=0)[0].message["what"]
        self.assertEqual(sent, received)
        self.assertIsNot(sent, received)
        self.assertRaises(TypeError, self.send, object())

    def test_poll_wakes_up_at_once(self) -> None:
        listener = self.listen()
        threading.Timer(0.1, self.send, ("x",)).start()
        began = time.monotonic()
        self.assertEqual(["x"], [incoming.message["what"] for incoming in listener.poll(timeout=10)])
        self.assertLess(time.monotonic() - began, 2)

    def test_stop_wakes_poll(self) -> None:
        listener = self.listen()
        threading.Timer(0.1, listener.stop).start()
        self.assertEqual([], listener.poll())

    def test_a_full_queue_refuses(self) -> None:
        with mock.patch.object(spaces, "CAPACITY", 3):
            for number in range(3):
                self.send(number, server="late")
            self.assertRaises(messaging.MessageDeliveryFailure, self.send, 3, server="late")
            self.send("another queue", server="other")
        listener = self.listen("late")
        self.assertEqual([[0], [1], [2], []], [self.poll(listener) for _ in range(4)])

    def test_a_busy_server_leaves_messages_to_others(self) -> None:
        busy = self.listen("busy")
        for number in range(10):
            self.send(number)
        held = [busy.poll(timeout=0) for _ in range(spaces.PREFETCH + 1)]
        self.assertEqual([1] * spaces.PREFETCH + [0], [len(batch) for batch in held])
        other = self.listen("other")
        self.assertEqual([spaces.PREFETCH], self.poll(other))
        held[0][0].acknowledge()
        self.assertEqual(1, len(self.poll(busy)))

    def test_what_a_stopped_server_had_not_begun_goes_to_the_next(self) -> None:
        first = self.listen("first")
        for number in range(3):
            self.send(number)
        self.assertEqual([0], self.poll(first))
        first.stop()
        second = self.listen("second")
        self.assertEqual([[1], [2], []], [self.poll(second) for _ in range(3)])

    def test_requeue_puts_back_in_front(self) -> None:
        listener = self.listen()
        for number in range(2):
            self.send(number)
        listener.poll(timeout=0)[0].requeue()
        self.assertEqual({0, 1}, {self.poll(listener)[0] for _ in range(2)})

    def test_fanout_is_for_who_listens_now(self) -> None:
        first = self.listen("first")
        self.send("all", fanout=True)
        second = self.listen("second")
        self.assertEqual((["all"], []), (self.poll(first), self.poll(second)))

    def test_a_sign_of_life_renews_a_monitored_call(self) -> None:
        listener = self.listen()

        def serve() -> None:
            incoming = listener.poll()[0]
            for _ in range(4):
                time.sleep(0.15)
                incoming.heartbeat()
            incoming.reply("done")

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        answer = self.driver.send(self.target(), CTXT, {}, wait_for_reply=True, timeout=10, call_monitor_timeout=0.4)
        self.assertEqual("done", answer)

    def test_a_monitored_call_without_sign_of_life_times_out(self) -> None:
        began = time.monotonic()
        self.assertRaises(
            messaging.MessagingTimeout,
            self.driver.send,
            self.target(),
            CTXT,
            {},
            wait_for_reply=True,
            timeout=10,
            call_monitor_timeout=0.1,
        )
        self.assertLess(time.monotonic() - began, 5)

    def test_the_last_one_out_takes_the_messages_along(self) -> None:
        self.send("kept", server="a")
        second = self.new_driver()
        self.driver.cleanup()
        self.driver = second
        self.assertEqual(["kept"], self.poll(self.listen()))
        self.send("lost", server="b")
        self.driver.cleanup()
        self.driver = self.new_driver()
        self.assertEqual([], self.poll(self.listen("b")))

    def test_host_and_path_name_a_space_alike(self) -> None:
        name = self.url.rsplit("/", 1)[1]
        transport = base.get_transport(suite.new_conf(), f"local://{name}")
        self.addCleanup(transport.cleanup)
        self.assertIs(self.driver._space, transport._driver._space)


class TestNotifications(LocalCase):
    def notify(self, what: Any) -> None:
        self.driver.send_notification(messaging.Target(topic="n.info"), CTXT, {"what": what}, 2.0)

    def listener(self, pool: str | None = None) -> Any:
        pairs = [(messaging.Target(topic="n"), "info"), (messaging.Target(topic="n"), "error")]
        listener = self.driver.listen_for_notifications(pairs, pool, 10, 0.1)._poll_style_listener
        self.addCleanup(listener.stop)
        return listener

    def test_stored_until_somebody_listens(self) -> None:
        for number in range(12):
            self.notify(number)
        listener = self.listener()
        batches = [self.poll(listener, batch_size=10, batch_timeout=0.05) for _ in range(2)]
        self.assertEqual([list(range(10))], batches[:1])
        self.assertEqual([10, 11], batches[1])

    def test_the_oldest_go_when_nobody_listens(self) -> None:
        with mock.patch.object(spaces, "CAPACITY", 2):
            for number in range(3):
                self.notify(number)
        self.assertEqual([1, 2], self.poll(self.listener(), batch_size=10, batch_timeout=0.05))

    def test_each_pool_gets_one_copy(self) -> None:
        plain, one, other = self.listener(), self.listener("p"), self.listener("p")
        for number in range(2):
            self.notify(number)
        self.assertEqual([0, 1], self.poll(plain, batch_size=10, batch_timeout=0.05))
        shared = [self.poll(item, batch_size=10, batch_timeout=0.05) for item in (one, other)]
        self.assertEqual([[0], [1]], shared)
