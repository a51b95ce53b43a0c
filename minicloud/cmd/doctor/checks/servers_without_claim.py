# SPDX-License-Identifier: Apache-2.0
"""Servers on hosts for which nothing is allocated there, so that the host seems to have room."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud import exception
from minicloud.cmd.doctor.case import WITH_GUEST, Case
from minicloud.cmd.doctor.check import Check, Finding
from minicloud.db.api import placement as db
from minicloud.db.api.placement import Allocation
from minicloud.db.cell import instances
from minicloud.db.session import Connection
from minicloud.objects import Instance
from minicloud.placement import resources
from minicloud.web.moments import now


def find(case: Case) -> Iterator[Finding]:
    idle = case.ask(_idle)
    with case.api.reader() as conn:
        held = {consumer for consumer, _ in db.consumers(conn)}
    for cell, uuids in idle:
        with cell.reader() as conn:
            servers = instances.find(conn, [uuid for uuid in uuids if uuid not in held])
        for one in servers:
            is_settled = one.vm_state in WITH_GUEST and not case.is_moving(cell, one)
            if is_settled and resources.of_flavor(one.flavor):
                yield Finding(one.uuid, f"nothing is allocated for {one.display_name}", str(one.host), one)


def _idle(conn: Connection) -> list[str]:
    return [one.uuid for one in instances.placed(conn) if one.task_state is None]


def fix(case: Case, finding: Finding) -> str:
    server: Instance = finding.more
    wanted = resources.of_flavor(server.flavor)
    with case.api.writer() as conn:
        node = {"name": server.node} if server.node else {"host": str(server.host)}
        provider = next(iter(db.providers(conn, **node)), None)
        if provider is None:
            raise exception.ComputeHostNotFound(host=server.host)
        db.lock_providers(conn, [provider.uuid])
        if db.providers_of(conn, [server.uuid]):
            return "nothing: it has something by now"
        rows = [Allocation(server.uuid, provider.uuid, name, used, server.project_id) for name, used in wanted.items()]
        db.allocate(conn, rows, now())
        db.raise_generation(conn, [provider.uuid])
    return "allocated " + ", ".join(f"{amount} {name}" for name, amount in wanted.items())


CHECK = Check("server without allocation", find, fix)
