# SPDX-License-Identifier: Apache-2.0
"""Servers of hosts on this machine that should have a guest there and have none."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud import exception
from minicloud.cmd.doctor.case import WITH_GUEST, Case
from minicloud.cmd.doctor.check import Check, Finding
from minicloud.db.cell import instances
from minicloud.objects import Fault, Instance
from minicloud.states import VM, Power
from minicloud.web.moments import now


def find(case: Case) -> Iterator[Finding]:
    for host in case.hosts:
        guests = case.survey(host).guests
        for db, server in case.on_host(host):
            if server.vm_state in WITH_GUEST and server.uuid not in guests and not case.is_moving(db, server):
                text = f"{server.display_name} is said to be {server.vm_state}, but its guest is not there"
                yield Finding(server.uuid, text, host, (db, server))


def fix(case: Case, finding: Finding) -> str:
    db, server = finding.more
    found: Instance = server
    error = exception.GuestNotFound(instance_uuid=found.uuid)
    fault = Fault(code=error.code, message=error.message, created_at=now())
    with db.writer() as conn:
        instances.update(
            conn,
            found.uuid,
            now(),
            expected_host=finding.host,
            expected_task_states=[None],
            expected_vm_states=[found.vm_state],
            vm_state=VM.ERROR,
            power_state=int(Power.NOSTATE),
            fault=fault,
        )
    return "set it to ERROR, with the reason; it can be deleted, or rebuilt"


CHECK = Check("server without guest", find, fix)
