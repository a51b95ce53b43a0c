# SPDX-License-Identifier: Apache-2.0
"""Heartbeats."""

from __future__ import annotations

from minicloud.conductor.records.base import Endpoint
from minicloud.context import RequestContext
from minicloud.db.cell import services
from minicloud.db.session import Database, retry_on_race
from minicloud.objects import Service
from minicloud.rpc.conductor import ConductorStub
from minicloud.web.moments import now


class ServicesEndpoint(Endpoint):
    STUB = ConductorStub

    def report_service(
        self, ctxt: RequestContext, host: str, binary: str, topic: str, version: int, ailment: str | None = None
    ) -> Service:
        return report(self._db, host, binary, topic, version, ailment)


def report(db: Database, host: str, binary: str, topic: str, version: int, ailment: str | None = None) -> Service:
    """One heartbeat, in a transaction of its own."""

    @retry_on_race
    def step() -> Service:
        with db.writer() as conn:
            return services.report(conn, host, binary, topic, version, now(), ailment)

    return step()
