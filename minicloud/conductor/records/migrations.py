# SPDX-License-Identifier: Apache-2.0
"""Migrations, for the hosts they lead from and to."""

from __future__ import annotations

from contextlib import suppress

from minicloud import exception
from minicloud.conductor.records.base import Endpoint
from minicloud.context import RequestContext
from minicloud.db.cell import instances, moves
from minicloud.db.session import retry_on_deadlock
from minicloud.objects import Migration, MigrationProgress
from minicloud.rpc.conductor import ConductorStub
from minicloud.states import Task
from minicloud.web.moments import now


class MigrationsEndpoint(Endpoint):
    STUB = ConductorStub

    def open_migration(self, ctxt: RequestContext, instance_uuid: str) -> Migration | None:
        with self._db.reader() as conn:
            return moves.open_of(conn, instance_uuid)

    def open_migrations(self, ctxt: RequestContext, host: str) -> list[Migration]:
        with self._db.reader() as conn:
            return moves.open_at(conn, host)

    def change_migration(self, ctxt: RequestContext, uuid: str, status: str) -> None:
        @retry_on_deadlock
        def step() -> None:
            with self._db.writer() as conn:
                moves.change(conn, uuid, moves.HOLDING, status, now())

        step()

    def swap_migration(self, ctxt: RequestContext, uuid: str, expected: str, status: str) -> bool:
        @retry_on_deadlock
        def step() -> bool:
            with self._db.writer() as conn:
                return moves.change(conn, uuid, [expected], status, now())

        return step()

    def evacuated_from(self, ctxt: RequestContext, host: str) -> list[Migration]:
        with self._db.reader() as conn:
            return moves.evacuated_from(conn, host)

    def report_progress(self, ctxt: RequestContext, migration: Migration, progress: MigrationProgress) -> None:
        """What makes progress is not overdue."""

        @retry_on_deadlock
        def step() -> None:
            with self._db.writer() as conn:
                if not moves.report(conn, migration.uuid, progress, now()):
                    return
                with suppress(exception.UnexpectedState, exception.InstanceNotFound):
                    waiting = [Task.MIGRATING]
                    instances.update(
                        conn,
                        migration.instance_uuid,
                        now(),
                        expected_task_states=waiting,
                        task_state=Task.MIGRATING,
                        progress=progress.percent,
                    )

        step()
