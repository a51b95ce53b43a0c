# SPDX-License-Identifier: Apache-2.0
"""What a compute host does: one endpoint class per concern, all on one topic.

A public method takes the instance's lock, runs and records; what it needs for that is in
small private verbs. A message that is delivered twice has one effect, since every step is a
compare-and-swap at the conductor, and no failure leaves a server stuck.
"""

from __future__ import annotations

from minicloud.compute.host import Host
from minicloud.compute.manager.base import Endpoint
from minicloud.compute.manager.build import BuildEndpoint
from minicloud.compute.manager.console import ConsoleEndpoint
from minicloud.compute.manager.delete import DeleteEndpoint
from minicloud.compute.manager.events import EventsEndpoint
from minicloud.compute.manager.guest import GuestEndpoint
from minicloud.compute.manager.guest.diagnostics import DiagnosticsEndpoint
from minicloud.compute.manager.interfaces import InterfacesEndpoint
from minicloud.compute.manager.live import LiveMigrationEndpoint
from minicloud.compute.manager.moves import MovesEndpoint
from minicloud.compute.manager.pause import PauseEndpoint
from minicloud.compute.manager.power import PowerEndpoint
from minicloud.compute.manager.rebuild import RebuildEndpoint
from minicloud.compute.manager.snapshot import SnapshotEndpoint

ENDPOINTS: tuple[type[Endpoint], ...] = (
    BuildEndpoint,
    DeleteEndpoint,
    PowerEndpoint,
    PauseEndpoint,
    RebuildEndpoint,
    SnapshotEndpoint,
    MovesEndpoint,
    LiveMigrationEndpoint,
    GuestEndpoint,
    InterfacesEndpoint,
    ConsoleEndpoint,
    DiagnosticsEndpoint,
    EventsEndpoint,
)


def endpoints(host: Host) -> list[Endpoint]:
    """The endpoints of one host."""
    return [cls(host) for cls in ENDPOINTS]
