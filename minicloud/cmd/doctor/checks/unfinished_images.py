# SPDX-License-Identifier: Apache-2.0
"""Images that were begun to be fetched, or copied for a snapshot, by a process that died."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding


def find(case: Case) -> Iterator[Finding]:
    seen = set()
    for host in case.hosts:
        for name in case.survey(host).unfinished:
            if name not in seen:  # hosts of one machine share a cache
                seen.add(name)
                yield Finding(name, "begun, and nobody goes on with it", host)


def fix(case: Case, finding: Finding) -> str:
    case.surveyor(finding.host).discard(finding.subject)
    return "removed it"


CHECK = Check("unfinished image", find, fix)
