# SPDX-License-Identifier: Apache-2.0
"""Waiting until the network service says that a guest's ports are up.

A port that is up already costs nothing here: no message, no statement, no thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from oslo_log import log as logging

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.objects import Vif
from minicloud.virt.driver import Cancelled, Order

if TYPE_CHECKING:
    from minicloud.compute.host import Host

LOG = logging.getLogger(__name__)

#: The event of the network service that is waited for.
PLUGGED = "network-vif-plugged"

#: Seconds between two looks at whether the work is still wanted, and between two at the ports, lest a message was lost.
_PACE = 0.25
_LOOK = 5.0


class Expectations:
    """The ports of one host that somebody waits for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._events: dict[str, threading.Event] = {}

    def told(self, port_id: str | None) -> bool:
        """A port is up.

        :returns: whether somebody waited for it
        """
        with self._guard:
            event = self._events.get(port_id or "")
        if event is not None:
            event.set()
        return event is not None

    @contextmanager
    def of(self, port_ids: Iterable[str]) -> Iterator[dict[str, threading.Event]]:
        """Take note from now on of what is told of some ports."""
        events = {port_id: threading.Event() for port_id in port_ids}
        with self._guard:
            self._events |= events
        try:
            yield events
        finally:
            with self._guard:
                for port_id in events:
                    self._events.pop(port_id, None)


@contextmanager
def expected(host: Host, ctxt: RequestContext, order: Order, vifs: Sequence[Vif]) -> Iterator[Callable[[], list[Vif]]]:
    """Start a guest inside of this, then call what it gives: that waits for the ports, and returns them as they are.

    :param vifs: all of the guest's
    :raises VirtualInterfacePluggingFailed: in the call, when ``vif_plugging_is_fatal`` and they are not up in time
    :raises Cancelled: in the call, when the work is not wanted any more
    """
    missing = [vif.port_id for vif in vifs if not vif.active]
    patience = host.conf.compute.vif_plugging_timeout
    if not missing or not patience:
        yield lambda: list(vifs)
        return
    with host.expectations.of(missing) as events:

        def wait() -> list[Vif]:
            late = _wait(host, ctxt, order, events, patience)
            if late and host.conf.compute.vif_plugging_is_fatal:
                raise exception.VirtualInterfacePluggingFailed(
                    instance_uuid=order.instance.uuid, host=host.name, ports=", ".join(late), seconds=patience
                )
            if late:
                LOG.warning("Ports are not up yet: %s [instance: %s]", ", ".join(late), order.instance.uuid)
            return [vif.replace(active=vif.port_id not in late) for vif in vifs]

        yield wait


def _wait(
    host: Host, ctxt: RequestContext, order: Order, events: dict[str, threading.Event], patience: float
) -> list[str]:
    """
    :returns: the ports that are not up in time
    """
    began = time.monotonic()
    look = began + _LOOK
    for event in events.values():
        while not event.wait(_PACE):
            if order.cancelled.is_set():
                raise Cancelled()
            if time.monotonic() > began + patience:
                return [port_id for port_id, each in events.items() if not each.is_set()]
            if time.monotonic() > look:
                look += _LOOK
                _ask(host, ctxt, order, events)
    return []


def _ask(host: Host, ctxt: RequestContext, order: Order, events: dict[str, threading.Event]) -> None:
    uuid = order.instance.uuid
    try:
        found = host.network.describe(ctxt, [uuid]).get(uuid, [])
    except exception.ServiceUnavailable as error:
        LOG.info("Cannot ask for ports: %s [instance: %s]", error, uuid)
        return
    for vif in found:
        if vif.active and vif.port_id in events:
            events[vif.port_id].set()
