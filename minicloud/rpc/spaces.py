# SPDX-License-Identifier: Apache-2.0
"""Queues and listeners of the local transport; :mod:`minicloud.rpc.local` says what holds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import msgspec
import oslo_messaging as messaging
from oslo_log import log as logging
from oslo_messaging._drivers import base, common

LOG = logging.getLogger(__name__)

#: Messages a queue holds before its senders are refused.
CAPACITY = 10_000

#: Messages a listener may hold that no thread has begun with; more wait in the queue, where
#: another server of the topic can take them.
PREFETCH = 4

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

#: What a server sends while it is still at work on a monitored call.
HEARTBEAT = b""


class Message:
    """One message under way."""

    __slots__ = ("body", "expires", "monitor", "replies")

    def __init__(
        self, body: bytes, replies: SimpleQueue[bytes] | None, timeout: float | None, monitor: float | None
    ) -> None:
        self.body = body
        self.replies = replies
        #: The caller gives up at this moment (monotonic), so nobody should begin after it.
        self.expires = None if timeout is None or replies is None else time.monotonic() + timeout
        self.monitor = monitor

    def is_expired(self) -> bool:
        return self.expires is not None and time.monotonic() > self.expires


class _Queue:
    """Messages of one address and the listeners that take them in turn; its space's lock guards it."""

    def __init__(self, name: str, *, drop_oldest: bool = False) -> None:
        self.name = name
        self.drop_oldest = drop_oldest
        self.messages: deque[Message] = deque()
        self.listeners: deque[LocalListener] = deque()

    def has_room(self) -> bool:
        return self.drop_oldest or len(self.messages) < CAPACITY or any(item.has_room() for item in self.listeners)

    def put(self, message: Message) -> None:
        """Hand to the next listener in turn that has room, else keep."""
        for _ in range(len(self.listeners)):
            listener = self.listeners[0]
            self.listeners.rotate(-1)
            if listener.has_room():
                listener.receive(self, message)
                return
        if len(self.messages) >= CAPACITY:
            LOG.warning("Queue %s is full (%d messages); its oldest message is dropped.", self.name, CAPACITY)
            self.messages.popleft()
        self.messages.append(message)

    def take(self) -> Message | None:
        while self.messages:
            message = self.messages.popleft()
            if not message.is_expired():
                return message
        return None


class Space:
    """All queues of one virtual host."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self._queues: dict[tuple[str, ...], _Queue] = {}
        self._fanouts: dict[tuple[str, str], list[_Queue]] = {}
        self._pools: dict[tuple[str, str], set[str]] = {}

    def send(self, address: tuple[str, ...], message: Message) -> None:
        """Deliver to the queue of ``(exchange, topic)`` or ``(exchange, topic, server)``.

        :raises oslo_messaging.MessageDeliveryFailure: when that queue is full
        """
        with self.lock:
            queue = self._queue(address)
            if not queue.has_room():
                raise messaging.MessageDeliveryFailure(
                    f"Queue {queue.name} is full: {CAPACITY} messages wait and no server takes them."
                )
            queue.put(message)

    def fanout(self, exchange: str, topic: str, message: Message) -> None:
        with self.lock:
            for queue in self._fanouts.get((exchange, topic), ()):
                queue.put(message)

    def notify(self, exchange: str, topic: str, message: Message) -> None:
        """Deliver a notification to the topic's queue and to every pool's."""
        with self.lock:
            for pool in ("", *self._pools.get((exchange, topic), ())):
                self._queue((exchange, topic, "pool", pool), drop_oldest=True).put(message)

    def listen(self, exchange: str, topic: str, server: str, batch_size: int) -> LocalListener:
        with self.lock:
            own = _Queue(f"{exchange}/{topic}/{server} (fanout)", drop_oldest=True)
            self._fanouts.setdefault((exchange, topic), []).append(own)
            queues = [own, self._queue((exchange, topic, server)), self._queue((exchange, topic))]
            return LocalListener(self, queues, fanout=(exchange, topic), batch_size=batch_size)

    def listen_for_notifications(
        self, addresses: Iterable[tuple[str, str]], pool: str, batch_size: int
    ) -> LocalListener:
        with self.lock:
            queues = []
            for exchange, topic in addresses:
                if pool:
                    self._pools.setdefault((exchange, topic), set()).add(pool)
                queues.append(self._queue((exchange, topic, "pool", pool), drop_oldest=True))
            return LocalListener(self, queues, batch_size=batch_size)

    def drop_fanout(self, address: tuple[str, str], queue: _Queue) -> None:
        """Forget the fanout queue of a listener that stopped; the caller holds the lock."""
        self._fanouts[address].remove(queue)

    def _queue(self, address: tuple[str, ...], *, drop_oldest: bool = False) -> _Queue:
        queue = self._queues.get(address)
        if queue is None:
            queue = self._queues[address] = _Queue("/".join(address), drop_oldest=drop_oldest)
        return queue


class LocalListener(base.PollStyleListener):  # type: ignore[misc]  # oslo.messaging is untyped
    """One server's side: what was handed to it, and the thread that waits for more."""

    def __init__(
        self, space: Space, queues: Sequence[_Queue], *, fanout: tuple[str, str] | None = None, batch_size: int = 1
    ) -> None:
        """The caller holds the space's lock.

        :param fanout: address of the fanout whose queue is the first of ``queues``
        :param batch_size: most messages it will be asked for at once
        """
        super().__init__()
        self._space = space
        self._queues = queues
        self._fanout = fanout
        self._ready = threading.Condition(space.lock)
        self._inbox: deque[tuple[_Queue, Message]] = deque()
        #: Given out by :meth:`poll` and not acknowledged yet.
        self._unacknowledged = 0
        self._prefetch = max(PREFETCH, batch_size)
        self._stopped = False
        for queue in queues:
            queue.listeners.append(self)
        self._refill()

    # The space's lock is held in these three.

    def has_room(self) -> bool:
        return not self._stopped and self._unacknowledged + len(self._inbox) < self._prefetch

    def receive(self, queue: _Queue, message: Message) -> None:
        self._inbox.append((queue, message))
        self._ready.notify()

    def _refill(self) -> None:
        for queue in self._queues:
            while self.has_room() and (message := queue.take()) is not None:
                self.receive(queue, message)

    def poll(
        self, timeout: float | None = None, batch_size: int = 1, batch_timeout: float | None = None
    ) -> list[LocalIncoming]:
        """Up to ``batch_size`` messages; none after ``timeout`` seconds or when stopped.

        A batch is given out ``batch_timeout`` seconds after its first message, full or not.
        """
        batch: list[tuple[_Queue, Message]] = []
        deadline = deadline_in(timeout)
        with self._space.lock:
            while len(batch) < batch_size and self._wait(deadline):
                queue, message = self._inbox.popleft()
                if message.is_expired():
                    self._refill()
                    continue
                if not batch and batch_size > 1:
                    deadline = deadline_in(batch_timeout)
                batch.append((queue, message))
                self._unacknowledged += 1
        return [LocalIncoming(self, queue, message) for queue, message in batch]

    def _wait(self, deadline: float | None) -> bool:
        """Whether there is a message, waiting for one until the deadline (monotonic)."""
        while not self._inbox and not self._stopped:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self._ready.wait(left)
        return bool(self._inbox)

    def acknowledge(self) -> None:
        with self._space.lock:
            self._unacknowledged -= 1
            self._refill()

    def requeue(self, queue: _Queue, message: Message) -> None:
        """Give one message back, to the front of where it came from."""
        with self._space.lock:
            self._unacknowledged -= 1
            self._return(queue, message)
            self._refill()

    def stop(self) -> None:
        """Take nothing more, give back what no thread has begun with, and wake :meth:`poll`."""
        with self._space.lock:
            if self._stopped:
                return
            self._stopped = True
            for queue in self._queues:
                queue.listeners.remove(self)
            if self._fanout is not None:
                self._space.drop_fanout(self._fanout, self._queues[0])
            while self._inbox:
                self._return(*self._inbox.pop())
            self._ready.notify_all()

    @staticmethod
    def _return(queue: _Queue, message: Message) -> None:
        """Put back at the front; another listener with room takes it at once."""
        queue.messages.appendleft(message)
        for listener in tuple(queue.listeners):
            listener._refill()

    def cleanup(self) -> None:
        self.stop()


def deadline_in(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


class LocalIncoming(base.RpcIncomingMessage):  # type: ignore[misc]  # oslo.messaging is untyped
    """A message as a server sees it."""

    def __init__(self, listener: LocalListener, queue: _Queue, message: Message) -> None:
        ctxt, body = decode(message.body)
        super().__init__(ctxt, body)
        self.client_timeout = message.monitor
        self._is_open = True
        self._listener = listener
        self._queue = queue
        self._raw = message

    def acknowledge(self) -> None:
        if self._is_open:
            self._is_open = False
            self._listener.acknowledge()

    def requeue(self) -> None:
        if self._is_open:
            self._is_open = False
            self._listener.requeue(self._queue, self._raw)

    def reply(self, reply: Any = None, failure: ExcInfo | None = None) -> None:
        if self._raw.replies is not None:
            error = None if failure is None else common.serialize_remote_exception(failure)
            self._raw.replies.put(encode((reply, error)))

    def heartbeat(self) -> None:
        if self._raw.replies is not None:
            self._raw.replies.put(HEARTBEAT)
