# SPDX-License-Identifier: Apache-2.0
"""Instances, for the hosts they are on."""

from __future__ import annotations

from minicloud import exception
from minicloud.conductor.records.base import Endpoint
from minicloud.context import RequestContext
from minicloud.db.cell import actions, instances
from minicloud.db.session import retry_on_deadlock
from minicloud.objects import Instance, InstanceUpdate
from minicloud.rpc.base import expected
from minicloud.rpc.conductor import ConductorStub
from minicloud.web.moments import now

#: The event that a delete is, in the actions' log.
_DELETE = "compute_terminate_instance"


class InstancesEndpoint(Endpoint):
    STUB = ConductorStub

    @expected(exception.InstanceNotFound)
    def get_instance(self, ctxt: RequestContext, uuid: str) -> Instance:
        with self._db.reader() as conn:
            return instances.get(conn, uuid)

    def fates(self, ctxt: RequestContext, uuids: list[str]) -> dict[str, bool]:
        with self._db.reader() as conn:
            return instances.fates(conn, uuids)

    def instances_on_host(self, ctxt: RequestContext, host: str) -> list[Instance]:
        with self._db.reader() as conn:
            return instances.on_host(conn, host)

    @expected(exception.InstanceNotFound, exception.UnexpectedState)
    def update_instance(self, ctxt: RequestContext, update: InstanceUpdate) -> Instance:
        @retry_on_deadlock
        def step() -> Instance:
            with self._db.writer() as conn:
                return instances.apply(conn, update, ctxt.request_id, now())

        return step()

    def destroy_instance(self, ctxt: RequestContext, uuid: str, host: str | None) -> None:
        done = InstanceUpdate(uuid=uuid, finish_event=_DELETE, finish_action=True)

        @retry_on_deadlock
        def step() -> None:
            moment = now()
            with self._db.writer() as conn:
                if instances.destroy(conn, uuid, moment) is not None:
                    actions.step(conn, done, ctxt.request_id, host, moment)
                    actions.finish_for_deleted(conn, uuid, moment)

        step()
