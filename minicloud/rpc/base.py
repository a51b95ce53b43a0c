# SPDX-License-Identifier: Apache-2.0
"""Transports, the serializer, and the base of every stub and server.

``cast`` where the caller need not wait, ``call`` where it must. Methods are versioned per
server: a stub says which version it needs, a server refuses what is newer than itself.
"""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, ParamSpec, TypeVar

import oslo_messaging as messaging
from oslo_config import cfg
from oslo_log import log as logging
from oslo_messaging.rpc import server as rpc_server

from minicloud import context, exception
from minicloud.objects import from_builtins, to_builtins

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Modules whose exceptions are rebuilt as themselves at the caller.
EXCEPTION_MODULES = ["minicloud.exception", "minicloud.rpc.base", "oslo_messaging.rpc.dispatcher"]

#: Options oslo.messaging registers on its global configuration only, but reads from ours:
#: module, name of its list, which is also the group. Absent in older releases.
_GLOBAL_OPTIONS = (
    ("oslo_messaging._tracing.client", "oslo_messaging_tracing"),
    ("oslo_messaging._metrics.client", "oslo_messaging_metrics"),
)

#: Times a message is offered to a broker that does not answer, each with a pause.
_RETRIES = 3

#: Seconds between two tries to reach a server that has never been there.
_PAUSE = 0.5

_UNREACHABLE = "the message broker does not answer"

#: Messages of one process that may wait for a broker at the same time.
_SENDERS = 64


class NoAnswer(exception.ServiceUnavailable, messaging.MessagingTimeout):  # type: ignore[misc]  # untyped
    """A call was not answered in time; whether it was executed is not known."""

    template = "no answer to {method} from {topic} in {seconds} s"


class Serializer(messaging.Serializer):  # type: ignore[misc]  # oslo.messaging is untyped
    """Structs as envelopes, contexts as dicts."""

    def serialize_entity(self, ctxt: Any, entity: Any) -> Any:
        return to_builtins(entity)

    def deserialize_entity(self, ctxt: Any, entity: Any) -> Any:
        return from_builtins(entity)

    def serialize_context(self, ctxt: context.RequestContext) -> dict[str, Any]:
        return ctxt.to_message()

    def deserialize_context(self, ctxt: dict[str, Any]) -> context.RequestContext:
        """The context, also stored for this thread, so that its log lines carry the request's id."""
        return context.from_message(ctxt)


def get_transport(conf: cfg.ConfigOpts, url: str | None = None) -> Any:
    """The transport at a URL (default ``[DEFAULT] transport_url``).

    :param url: ``local://``, ``local:///NAME`` or ``rabbit://user:password@host:port/vhost``
    :returns: oslo_messaging.Transport; its ``cleanup()`` releases it
    """
    for module, group in _GLOBAL_OPTIONS:
        try:
            options = getattr(importlib.import_module(module), group)
        except ImportError:
            continue
        conf.register_opts(options, group=group)
    return messaging.get_rpc_transport(conf, url=url, allowed_remote_exmods=EXCEPTION_MODULES)


class Stub:
    """Base of the typed stubs: a topic, a version, call and cast."""

    TOPIC = ""
    VERSION = "1.0"

    def __init__(self, transport: Any, *, timeout: float | None = None, version_cap: str | None = None) -> None:
        """
        :param timeout: seconds a call waits; default ``[DEFAULT] rpc_response_timeout``
        :param version_cap: newest version the servers understand, during an upgrade
        """
        target = messaging.Target(topic=self.TOPIC, version=self.VERSION)
        self._client = messaging.get_rpc_client(
            transport,
            target,
            serializer=Serializer(),
            timeout=timeout,
            version_cap=version_cap,
            retry=_RETRIES,
            # A broker drops what is sent to a server that never was there; so at least say so.
            transport_options=messaging.TransportOptions(at_least_once=True),
        )
        self._timeout: float = timeout or transport.conf.rpc_response_timeout
        # A broker may be away; within the process nothing is.
        self._sender: _Direct | _Brokered = _direct if is_local(transport) else _brokered()

    def call(self, ctxt: context.RequestContext, method: str, *, server: str | None = None, **arguments: Any) -> Any:
        """Ask and wait.

        :raises NoAnswer: when nobody answered in time
        :raises minicloud.exception.ServiceUnavailable: when the broker cannot be reached
        :raises oslo_messaging.RPCVersionCapError: when the servers are too old for the method
        """
        send = functools.partial(self._prepared(server).call, ctxt, method, **arguments)
        try:
            return self._sender.call(send, ctxt, self._timeout)
        except NoAnswer:
            raise
        except messaging.MessagingTimeout as error:
            raise NoAnswer(method=method, topic=self.TOPIC, seconds=self._timeout) from error
        except exception.MinicloudError as error:
            raise _as_local(error) from error

    def cast(
        self,
        ctxt: context.RequestContext,
        method: str,
        *,
        server: str | None = None,
        fanout: bool = False,
        **arguments: Any,
    ) -> None:
        """Tell, without waiting: one server of the topic, the named one, or with ``fanout`` all.

        :raises minicloud.exception.ServiceUnavailable: when nobody took the message
        """
        client = self._client.prepare(fanout=True) if fanout else self._prepared(server)
        self._sender.cast(functools.partial(client.cast, ctxt, method, **arguments), ctxt, self._timeout)

    def _prepared(self, server: str | None) -> Any:
        return self._client if server is None else self._client.prepare(server=server)


def given(**arguments: Any) -> dict[str, Any]:
    """Arguments but those that are None: a server of an older release takes a message without what it does not know."""
    return {name: value for name, value in arguments.items() if value is not None}


def is_local(transport: Any) -> bool:
    """Whether a transport stays within this process."""
    return bool(getattr(transport._driver, "IS_LOCAL", False))


class _Direct:
    """Sends within the process."""

    def call(self, send: Callable[[], Any], ctxt: context.RequestContext, timeout: float) -> Any:
        try:
            return send()
        except messaging.MessageDeliveryFailure as error:
            raise exception.ServiceUnavailable(reason=str(error)) from error

    cast = call


class _Brokered:
    """Sends from other threads: connecting to a broker heeds no timeout of the caller's."""

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(_SENDERS)

    def call(self, send: Callable[[], Any], ctxt: context.RequestContext, timeout: float) -> Any:
        """Send; a server that has never been there yet is waited for, as in one process."""
        deadline = time.monotonic() + timeout

        def patiently() -> Any:
            while True:
                try:
                    return send()
                except messaging.MessageUndeliverable as error:
                    # The broker gave it back, so it is safe to offer it again.
                    if time.monotonic() + _PAUSE > deadline:
                        raise messaging.MessagingTimeout(f"nothing listens to {error.routing_key}") from error
                    time.sleep(_PAUSE)

        # The answer's own timeout comes first when the broker is there.
        return self._outcome(patiently, ctxt, timeout + _PAUSE)

    def cast(self, send: Callable[[], Any], ctxt: context.RequestContext, timeout: float) -> Any:
        try:
            return self._outcome(send, ctxt, timeout)
        except messaging.MessageUndeliverable as error:
            raise exception.ServiceUnavailable(reason=f"nothing listens to {error.routing_key}") from error

    def _outcome(self, send: Callable[[], Any], ctxt: context.RequestContext, timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        if not self._room.acquire(timeout=timeout):
            raise exception.ServiceUnavailable(reason=_UNREACHABLE)
        future: Future[Any] = Future()
        # Not a pool: its threads would keep the process from ending while a broker is away.
        threading.Thread(target=self._work, args=(future, send, ctxt), name="rpc-send", daemon=True).start()
        if not wait([future], deadline - time.monotonic()).done:
            raise exception.ServiceUnavailable(reason=_UNREACHABLE)
        try:
            return future.result()
        except messaging.MessageDeliveryFailure as error:
            raise exception.ServiceUnavailable(reason=_UNREACHABLE) from error

    def _work(self, future: Future[Any], send: Callable[[], Any], ctxt: context.RequestContext) -> None:
        try:
            ctxt.update_store()
            future.set_result(send())
        except BaseException as error:
            future.set_exception(error)
        finally:
            self._room.release()


_direct = _Direct()


@functools.cache
def _brokered() -> _Brokered:
    return _Brokered()


def _as_local(error: exception.MinicloudError) -> exception.MinicloudError:
    """An error from elsewhere as if raised here.

    oslo.messaging makes a class ``Xyz_Remote`` whose text contains the remote traceback: good
    for a log, where it stays as the cause, but not for a client.
    """
    cls = type(error)
    if cls.__module__.endswith("_Remote"):
        cls = cls.__bases__[0]
    return cls(error.message, **error.details)


def expected(*errors: type[Exception]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark an endpoint's method: these exceptions are answers, not failures to log."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        wrapped: Callable[P, T] = functools.wraps(function)(messaging.expected_exceptions(*errors)(function))
        return wrapped

    return decorate


class _RpcServer(rpc_server.RPCServer):  # type: ignore[misc]  # oslo.messaging is untyped
    """oslo.messaging's, on the standard library's thread pool.

    The pool it takes by itself wakes every idle thread once a second, and so needs a second
    to stop.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._executor_cls = functools.partial(ThreadPoolExecutor, thread_name_prefix=f"rpc-{self._target.topic}")


class Server:
    """An RPC server: endpoint objects on one topic, dispatched by method name."""

    def __init__(
        self, transport: Any, topic: str, server: str, endpoints: Sequence[object], *, workers: int | None = None
    ) -> None:
        """
        :param server: this copy's name; messages may be addressed to it
        :param endpoints: objects with a ``target = oslo_messaging.Target(version=…)``
        :param workers: messages at work at a time; default ``[DEFAULT] executor_thread_pool_size``
        """
        self._workers = workers
        self._server = messaging.get_rpc_server(
            transport,
            messaging.Target(topic=topic, server=server),
            list(endpoints),
            serializer=Serializer(),
            access_policy=messaging.DefaultRPCAccessPolicy,
            server_cls=_RpcServer,
        )
        self._lock = threading.Lock()
        self._is_running = False

    def start(self) -> None:
        """Listen; messages that came earlier are delivered now."""
        with self._lock:
            self._server.start(override_pool_size=self._workers)
            self._is_running = True

    def stop(self) -> None:
        """Take no new messages, finish those at work; nothing when it never started."""
        with self._lock:
            if self._is_running:
                self._is_running = False
                self._server.stop()
                self._server.wait()
