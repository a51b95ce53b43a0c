# SPDX-License-Identifier: Apache-2.0
"""Guests of ours on this machine that belong to no server of their host."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud import exception
from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding
from minicloud.virt.survey import farewell

#: By whether the server is deleted; None: nobody has ever heard of it.
WHY = {
    True: "its server was deleted",
    False: "its server is not on this host",
    None: "no such server is in the records",
}


def find(case: Case) -> Iterator[Finding]:
    for host in case.hosts:
        guests = case.survey(host).guests
        strangers = sorted(set(guests) - case.wanted_on(host))
        fates = case.fates(strangers)
        for uuid in strangers:
            yield Finding(uuid, f"{guests[uuid].word}; {WHY[fates.get(uuid)]}", host)


def fix(case: Case, finding: Finding) -> str:
    if case.is_running and not case.surveyor(finding.host).IS_SHARED:
        raise exception.VirtError(
            reason="this driver has its guests in the process that runs: 'minicloud down' first, or start it again"
        )
    case.driver(finding.host).destroy(farewell(finding.subject))
    return "destroyed the guest, with its disks"


CHECK = Check("guest without server", find, fix)
