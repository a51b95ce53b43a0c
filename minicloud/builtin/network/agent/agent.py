# SPDX-License-Identifier: Apache-2.0
"""The loop: ask what is to be true, make it so, report; again when something changed, and now and then anyway."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from oslo_log import log as logging

from minicloud import context
from minicloud.builtin.network.agent.part import Part
from minicloud.context import RequestContext
from minicloud.objects.host_network import HostPort, HostState

LOG = logging.getLogger(__name__)

#: Seconds to wait for more after the first sign of a change, so that many changes make one pass.
SETTLE = 0.05

#: Seconds between two looks at whether the parts' processes run.
PULSE = 2.0

#: Seconds until a pass that failed is tried again.
RETRY = 5.0


class Service(Protocol):
    """What the agent asks of the network service; see :class:`minicloud.rpc.network_agent.HostNetworkStub`."""

    def host_state(self, ctxt: RequestContext, host: str) -> HostState: ...

    def report_ports(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None: ...

    def report_routers(self, ctxt: RequestContext, host: str, statuses: dict[str, str]) -> None: ...


class Devices(Protocol):
    """Which network devices the host has by now."""

    def names(self) -> set[str]: ...


class Agent:
    """Reconciles one host; level-triggered, never two passes at once."""

    def __init__(
        self, host: str, service: Service, parts: Sequence[Part], devices: Devices, *, resync: float = 60.0
    ) -> None:
        """
        :param parts: in the order in which they are to be applied
        :param resync: seconds between two passes when nothing changes
        """
        self.host = host
        self._service = service
        self._parts = tuple(parts)
        self._devices = devices
        self._resync = resync
        self._ctxt = context.admin()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._busy = threading.Lock()
        self._thread: threading.Thread | None = None
        #: Part -> what is wrong with it, of the last pass.
        self.problems: dict[str, str] = {}

    # --- the loop ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with a pass at once."""
        self._wanted.set()
        self._thread = threading.Thread(target=self._run, name=f"network-agent-{self.host}", daemon=True)
        self._thread.start()

    def trigger(self) -> None:
        """Something changed: look again soon. For any thread, as often as it likes."""
        self._wanted.set()

    def stop(self) -> None:
        """End after the pass that is going on."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
        for part in self._parts:
            part.stop()

    def _run(self) -> None:
        delay = self._resync
        while not self._stopping.is_set():
            self._idle(delay)
            if self._stopping.wait(SETTLE):
                return
            self._wanted.clear()
            delay = self._resync if self.reconcile() else min(RETRY, self._resync)

    def _idle(self, delay: float) -> None:
        """Wait until there is something to do: a change, a process that died, or just the time."""
        deadline = time.monotonic() + delay
        while (left := deadline - time.monotonic()) > 0:
            if self._wanted.wait(min(left, PULSE)) or not all(part.is_well() for part in self._parts):
                return

    # --- a pass --------------------------------------------------------------------------------

    def reconcile(self) -> bool:
        """One pass.

        :returns: whether all of it went well
        """
        with self._busy:
            began = time.monotonic()
            try:
                state = self._service.host_state(self._ctxt, self.host)
            except Exception as error:
                LOG.warning("Network agent of %s cannot learn what is to be: %s", self.host, error)
                return False
            self._apply(state)
            told = all([self._report_routers(state), self._report(state)])
            LOG.debug("Networks of %s reconciled in %.3f s", self.host, time.monotonic() - began)
            return told and not self.problems

    def _apply(self, state: HostState) -> None:
        problems: dict[str, str] = {}
        for part in self._parts:
            try:
                part.apply(state)
            except Exception as error:
                problems[part.name] = str(error) or type(error).__name__
                # Once in full; while it goes on failing alike a line does.
                is_new = self.problems.get(part.name) != problems[part.name]
                LOG.error("Networks of %s: %s: %s", self.host, part.name, problems[part.name], exc_info=is_new)
        self.problems = problems

    def _report_routers(self, state: HostState) -> bool:
        """Tell which routers and floating addresses are not what the books say."""
        known = {router.id: router.status for router in state.routers}
        known |= {each.id: each.status for router in state.routers for each in router.floating_ips}
        seen = {key: status for part in self._parts for key, status in part.statuses().items()}
        changed = {key: status for key, status in seen.items() if known.get(key, status) != status}
        try:
            if changed:
                self._service.report_routers(self._ctxt, self.host, changed)
        except Exception as error:
            LOG.warning("Network agent of %s cannot report routers: %s", self.host, error)
            return False
        return True

    def _report(self, state: HostState) -> bool:
        """Tell which ports are not what the books say."""
        present = self._devices.names()
        if any(part.guards and part.name in self.problems for part in self._parts):
            return True  # what is up stays so; nothing new may start
        seen = {port.id: _status(port, present) for port in state.ports}
        changed = {port.id: seen[port.id] for port in state.ports if port.status != seen[port.id]}
        try:
            if changed:
                self._service.report_ports(self._ctxt, self.host, changed)
        except Exception as error:
            LOG.warning("Network agent of %s cannot report ports: %s", self.host, error)
            return False
        return True


def clean(parts: Sequence[Part]) -> list[str]:
    """Remove all that an agent ever made on this host, last part first.

    :returns: what could not be removed, and why
    """
    failures = []
    for part in reversed(parts):
        try:
            part.clean()
        except Exception as error:
            failures.append(f"{part.name}: {error}")
    return failures


def _status(port: HostPort, present: set[str]) -> str:
    return "ACTIVE" if port.admin_state_up and port.devname in present else "DOWN"
