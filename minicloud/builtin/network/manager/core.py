# SPDX-License-Identifier: Apache-2.0
"""The service that all managers work in: one request's transaction, and what follows its commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from oslo_config import cfg
from oslo_log import log as logging

from minicloud.builtin.network.db import Connection
from minicloud.builtin.network.db.transaction import transact
from minicloud.builtin.network.drivers.base import NetworkDriver
from minicloud.builtin.network.entities import Address, Port
from minicloud.builtin.network.ipam import Allocator
from minicloud.context import RequestContext
from minicloud.db.session import Database
from minicloud.objects import ResourceEvent

LOG = logging.getLogger(__name__)
T = TypeVar("T")

#: Tells compute what changed of its servers' ports.
Notifier = Callable[[RequestContext, list[ResourceEvent]], None]


class Unit:
    """One request's transaction, and what is to be done once it is committed."""

    def __init__(self, conn: Connection, ctxt: RequestContext, core: Core, tried: int = 0) -> None:
        self.conn = conn
        self.ctxt = ctxt
        self.core = core
        #: How often this work lost a race already.
        self.tried = tried
        self.events: list[ResourceEvent] = []
        self.plugged: list[Port] = []
        self.unplugged: list[Port] = []
        self.freed: list[Address] = []
        #: Whether what changes is nothing that hosts act upon.
        self.is_quiet = False

    @property
    def project_id(self) -> str:
        return str(self.ctxt.project_id or "")

    @property
    def viewer(self) -> str | None:
        """Whose view the caller has; None sees everything."""
        return None if self.ctxt.has_admin_role else self.project_id

    def tell(self, name: str, port: Port) -> None:
        """Compute is to hear of a change, if the port is a server's."""
        if port.device_id and port.device_owner.startswith("compute:"):
            self.events.append(ResourceEvent(name=name, server_uuid=port.device_id, tag=port.id))


class Core:
    """Database, driver, allocator and the way to compute."""

    def __init__(self, conf: cfg.ConfigOpts, db: Database, notifier: Notifier, driver: NetworkDriver) -> None:
        self.conf = conf
        self.db = db
        self.notifier = notifier
        self.driver = driver
        self.allocator = Allocator()

    @contextmanager
    def reading(self, ctxt: RequestContext) -> Iterator[Unit]:
        """One transaction that only reads."""
        with self.db.reader() as conn:
            yield Unit(conn, ctxt, self)

    def run(self, ctxt: RequestContext, work: Callable[[Unit], T]) -> T:
        """Do work in one transaction; tell the driver and compute when it is committed.

        The work may run several times, when it lost a race for an address.
        """

        def attempt(conn: Connection, tried: int) -> tuple[T, Unit]:
            unit = Unit(conn, ctxt, self, tried)
            return work(unit), unit

        result, unit = transact(self.db, attempt)
        self._follow(unit)
        return result

    def _follow(self, unit: Unit) -> None:
        self.allocator.released(unit.freed)
        for port in unit.unplugged:
            self.driver.unplug(port)
        for port in unit.plugged:
            self.driver.plug(port)
        if not unit.is_quiet:
            self.driver.changed(unit.ctxt)
        if unit.events:
            try:
                self.notifier(unit.ctxt, unit.events)
            except Exception:  # the change is made; the server's cache is renewed later
                LOG.exception("Could not tell compute of changed ports")


def silent(_ctxt: RequestContext, _events: list[ResourceEvent]) -> None:
    """The notifier of a network nobody listens to."""
