# SPDX-License-Identifier: Apache-2.0
"""What neighbours report: changes of ports, and of power by somebody else's hand."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud.compute.manager import sync
from minicloud.compute.manager.base import SUPERSEDED, Endpoint
from minicloud.compute.plugging import PLUGGED
from minicloud.context import RequestContext
from minicloud.objects import InstanceUpdate, ResourceEvent
from minicloud.rpc.compute import ComputeStub

LOG = logging.getLogger(__name__)

_NETWORK = frozenset({"network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted"})


class EventsEndpoint(Endpoint):
    STUB = ComputeStub

    def external_events(self, ctxt: RequestContext, events: list[ResourceEvent]) -> None:
        """Look again at the ports, or the power, of the servers the events name."""
        # Who waits for a port records it; to look again would only wait for that to end.
        news = [each for each in events if not (each.name == PLUGGED and self._host.expectations.told(each.tag))]
        ports = dict.fromkeys(event.server_uuid for event in news if event.name in _NETWORK)
        power = dict.fromkeys(event.server_uuid for event in events if event.name == "power-update")
        for uuid in ports:
            self._host.submit(ctxt, lambda uuid=uuid: self._refresh_network(ctxt, uuid))  # type: ignore[misc]  # bound
        for uuid in power:
            self._host.submit(ctxt, lambda uuid=uuid: sync.sync_one(self._host, ctxt, uuid))  # type: ignore[misc]
        if other := {event.name for event in events} - _NETWORK - {"power-update"}:
            LOG.info("Events without meaning for this host: %s", ", ".join(sorted(other)))

    def _refresh_network(self, ctxt: RequestContext, uuid: str) -> None:
        with self._host.locks.hold(uuid, "network change") as cancelled:
            if cancelled.is_set():
                return
            vifs = self._host.network.describe(ctxt, [uuid]).get(uuid, [])
            step = InstanceUpdate(uuid=uuid, changes={"network_info": vifs}, expected_host=self._host.name)
            try:
                self._host.update_instance(ctxt, step)
            except SUPERSEDED as error:
                LOG.info("Network change is not recorded: %s [instance: %s]", error, uuid)
