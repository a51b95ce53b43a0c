# SPDX-License-Identifier: Apache-2.0
"""Several services in one process: start in order, stop in reverse, heed signals.

oslo.service's launchers start worker processes or handle no signals; this group runs
unchanged ``oslo_service.service.Service`` objects in the calling process.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from types import FrameType

from oslo_log import log as logging
from oslo_service import service as oslo_service
from oslo_service import systemd

LOG = logging.getLogger(__name__)

#: What ends a group, and what makes it read its configuration again.
_STOP = (signal.SIGTERM, signal.SIGINT)
_RELOAD = signal.SIGHUP


class Group:
    """The services of one process."""

    def __init__(
        self,
        services: Sequence[oslo_service.ServiceBase],
        *,
        deadline: float = 30.0,
        on_ready: Callable[[], None] | None = None,
        on_reload: Callable[[], None] | None = None,
    ) -> None:
        """
        :param services: in the order of starting; each may rely on those before it
        :param deadline: seconds that stopping all of them may take together
        :param on_ready: called once when all have started
        :param on_reload: called at SIGHUP before the services' ``reset()``, such as
            ``conf.mutate_config_files``
        """
        self._services = tuple(services)
        self._deadline = deadline
        self._on_ready = on_ready
        self._on_reload = on_reload
        self._started: list[oslo_service.ServiceBase] = []
        # A signal handler may interrupt anything, also itself: only this queue is safe for it.
        self._orders: SimpleQueue[int] = SimpleQueue()
        self._is_stopping = False
        #: Set while every service is up.
        self.ready = threading.Event()

    def run(self) -> int:
        """Start, serve until a signal or :meth:`quit`, stop; for the main thread.

        A second SIGTERM or SIGINT, or a service that does not stop in time, ends the
        process at once.

        :returns: the exit code of the process
        :raises Exception: what a service raised at its start, after stopping the others
        """
        for number in (*_STOP, _RELOAD):
            signal.signal(number, self._handle)
        self.start()
        systemd.notify_once()
        _set_aside()
        while (order := self._orders.get()) == _RELOAD:
            self.reload()
        LOG.info("Stopping")
        late = self.stop()
        if late:
            LOG.error("Not stopped after %s s, giving up: %s", self._deadline, ", ".join(late))
            # Their threads would keep the process; whatever they hold is recovered at the next start.
            os._exit(1)
        return 0 if order in _STOP else -order

    def quit(self, code: int = 0) -> None:
        """End :meth:`run` from any thread, for a service that cannot go on.

        :param code: exit code of the process
        """
        # Signals are positive.
        self._orders.put(-code)

    def start(self) -> None:
        """Start all in order; when one fails, stop those that run and raise its error."""
        for service in self._services:
            began = time.monotonic()
            try:
                self._started.append(service)
                service.start()
            except BaseException:
                LOG.error("Service %s could not start", _name(service))
                self.stop()
                raise
            LOG.info("Service %s started in %.2f s", _name(service), time.monotonic() - began)
        self.ready.set()
        if self._on_ready is not None:
            self._on_ready()

    def reload(self) -> None:
        """Read the configuration again and tell every service; an error leaves all running."""
        LOG.info("Reading the configuration again")
        steps = [] if self._on_reload is None else [self._on_reload]
        steps += [service.reset for service in self._started]
        for step in steps:
            try:
                step()
            except Exception:
                LOG.exception("Could not reload; going on as before")

    def stop(self) -> list[str]:
        """Stop what was started, last first, each within its share of the deadline.

        :returns: names of the services that were not done in time
        """
        self.ready.clear()
        end = time.monotonic() + self._deadline
        late = []
        while self._started:
            share = max(end - time.monotonic(), 0.0) / len(self._started)
            service = self._started.pop()
            # A thread, since a service that hangs must not keep the others from stopping.
            thread = threading.Thread(target=_stop, args=(service,), name=f"stop-{_name(service)}", daemon=True)
            thread.start()
            thread.join(share)
            if thread.is_alive():
                late.append(_name(service))
        return late

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in _STOP:
            if self._is_stopping:
                os._exit(128 + number)
            self._is_stopping = True
        self._orders.put(number)


def _set_aside() -> None:
    """Spare the garbage collector what stays for the life of the process: modules, tables, routes.

    It looks at all objects whenever many new ones live on, such as those of a long page of
    servers; with what the imports made among them no thread runs for a tenth of a second.
    """
    gc.collect()
    gc.freeze()


def _stop(service: oslo_service.ServiceBase) -> None:
    try:
        service.stop()
        service.wait()
    except Exception:
        LOG.exception("Service %s failed while stopping", _name(service))


def _name(service: oslo_service.ServiceBase) -> str:
    return str(getattr(service, "name", None) or type(service).__name__)
