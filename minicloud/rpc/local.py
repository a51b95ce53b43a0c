# SPDX-License-Identifier: Apache-2.0
"""``local://``: oslo.messaging within one process.

Every message is bytes of JSON on its way, as on RabbitMQ, so that one process and many
cannot differ. ``local://`` and ``local:///cell1`` are separate spaces, like virtual hosts:
what is sent in one is never seen in another.

What holds, as on a broker:

* a topic's messages go to its servers in turn; a message for one server waits for that
  server, also when it has not started yet (up to :data:`~minicloud.rpc.spaces.CAPACITY` in a queue, then the
  sender gets ``MessageDeliveryFailure``);
* a fanout reaches the servers that listen at that moment;
* a call that nobody answered in time is not executed later.

What is lost: everything in the queues when the last transport of a space is cleaned up or
the process ends. What was accepted and never finished is found by the reconciler.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg
from oslo_messaging._drivers import base, common

from minicloud.rpc.spaces import HEARTBEAT, Message, Space, deadline_in, decode, encode

_spaces: dict[str, Space] = {}
_spaces_lock = threading.Lock()


class LocalDriver(base.BaseDriver):  # type: ignore[misc]  # oslo.messaging is untyped
    """The transport driver behind ``local://`` (entry point in ``oslo.messaging.drivers``)."""

    #: Nothing can be away, so that senders need no deadline of their own.
    IS_LOCAL = True

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        url: messaging.TransportURL,
        default_exchange: str | None = None,
        allowed_remote_exmods: Sequence[str] | None = None,
    ) -> None:
        super().__init__(conf, url, default_exchange, list(allowed_remote_exmods or ()))
        # local://cell1 is what people write when they mean local:///cell1.
        host = url.hosts[0].hostname if url.hosts else None
        self._name = url.virtual_host or host or ""
        self._is_open = True
        with _spaces_lock:
            self._space = _spaces.setdefault(self._name, Space())
            self._space.users += 1

    def require_features(self, requeue: bool = False) -> None:
        """All of them are supported."""

    def send(
        self,
        target: messaging.Target,
        ctxt: dict[str, Any],
        message: dict[str, Any],
        wait_for_reply: bool | None = None,
        timeout: float | None = None,
        call_monitor_timeout: float | None = None,
        retry: int | None = None,
        transport_options: Any = None,
    ) -> Any:
        """Deliver, and for a call wait for the answer.

        :raises oslo_messaging.MessagingTimeout: nobody answered in ``timeout`` seconds
        :raises oslo_messaging.MessageDeliveryFailure: the queue is full
        """
        replies: SimpleQueue[bytes] | None = SimpleQueue() if wait_for_reply else None
        letter = Message(encode((ctxt, message)), replies, timeout, call_monitor_timeout)
        exchange = self._exchange(target)
        if target.fanout:
            self._space.fanout(exchange, target.topic, letter)
        elif target.server:
            self._space.send((exchange, target.topic, target.server), letter)
        else:
            self._space.send((exchange, target.topic), letter)
        if replies is None:
            return None
        result, failure = decode(self._await(replies, target, timeout, call_monitor_timeout))
        if failure is not None:
            raise common.deserialize_remote_exception(failure, self._allowed_remote_exmods)
        return result

    @staticmethod
    def _await(
        replies: SimpleQueue[bytes], target: messaging.Target, timeout: float | None, monitor: float | None
    ) -> bytes:
        """The answer; a monitored call also gives up when no sign of life comes for ``monitor`` seconds."""
        deadline = deadline_in(timeout)
        try:
            while True:
                left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
                if monitor is not None:
                    left = monitor if left is None else min(left, monitor)
                answer = replies.get(timeout=left)
                if answer != HEARTBEAT:
                    return answer
        except Empty:
            raise messaging.MessagingTimeout(f"No answer from {target} in {timeout} s") from None

    def send_notification(
        self,
        target: messaging.Target,
        ctxt: dict[str, Any],
        message: dict[str, Any],
        version: float,
        retry: int | None = None,
    ) -> None:
        """Deliver a notification; a topic nobody listens to keeps the newest :data:`~minicloud.rpc.spaces.CAPACITY`."""
        letter = Message(encode((ctxt, message)), None, None, None)
        self._space.notify(self._exchange(target), target.topic, letter)

    def listen(
        self, target: messaging.Target, batch_size: int, batch_timeout: float | None
    ) -> base.PollStyleListenerAdapter:
        listener = self._space.listen(self._exchange(target), target.topic, target.server, batch_size)
        return base.PollStyleListenerAdapter(listener, batch_size, batch_timeout)

    def listen_for_notifications(
        self,
        targets_and_priorities: Iterable[tuple[messaging.Target, str]],
        pool: str | None,
        batch_size: int,
        batch_timeout: float | None,
    ) -> base.PollStyleListenerAdapter:
        addresses = [
            (self._exchange(target), f"{target.topic}.{priority}") for target, priority in targets_and_priorities
        ]
        listener = self._space.listen_for_notifications(addresses, pool or "", batch_size)
        return base.PollStyleListenerAdapter(listener, batch_size, batch_timeout)

    def cleanup(self) -> None:
        """Leave the space; the last one out takes its messages along."""
        with _spaces_lock:
            if not self._is_open:
                return
            self._is_open = False
            self._space.users -= 1
            if not self._space.users:
                del _spaces[self._name]

    def _exchange(self, target: messaging.Target) -> str:
        return target.exchange or self._default_exchange or ""
