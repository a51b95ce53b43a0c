# SPDX-License-Identifier: Apache-2.0
"""Disks and files of guests whose servers are gone, and whose guests are too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding
from minicloud.cmd.doctor.checks.guests_without_server import WHY
from minicloud.virt.survey import farewell


def find(case: Case) -> Iterator[Finding]:
    for host in case.hosts:
        survey = case.survey(host)
        strangers = sorted(set(survey.folders) - set(survey.guests) - case.wanted_on(host))
        fates = case.fates(strangers)
        for uuid in strangers:
            path = survey.folders[uuid]
            # Outside of the state directory others may keep theirs: there it takes a server that was ours.
            if uuid in fates or _is_inside(path, case):
                yield Finding(str(path), WHY[fates.get(uuid)], host, uuid)


def _is_inside(path: Path, case: Case) -> bool:
    return path.resolve().is_relative_to(Path(case.conf.state_dir).resolve())


def fix(case: Case, finding: Finding) -> str:
    # Whatever else is left of the guest goes with it.
    case.driver(finding.host).destroy(farewell(finding.more))
    return "removed it"


CHECK = Check("folder without server", find, fix)
