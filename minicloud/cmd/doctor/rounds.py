# SPDX-License-Identifier: Apache-2.0
"""Going through the checks, without letting the trouble of one keep the others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from minicloud.cmd.commands.base import Refused
from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding

#: Seconds between two looks at a cloud that runs: what is wrong only once was just going on.
PAUSE = 3.0

#: What a row says that nobody was asked to mend.
NOT_MENDED = ""


class Result(NamedTuple):
    """One row of the report."""

    check: str
    finding: Finding
    #: What was done about it; empty when nothing was.
    repair: str = NOT_MENDED
    is_mended: bool = False


def look(case: Case, checks: Sequence[Check]) -> list[Result]:
    """What is wrong; of a cloud that runs, what is wrong for longer than a moment."""
    found = [each for check in checks for each in _find(case, check)]
    if found and case.is_running:
        time.sleep(PAUSE)
        again = {_key(each) for check in checks for each in _find(case, check)}
        found = [each for each in found if _key(each) in again]
    return found


def mend(case: Case, checks: Sequence[Check], found: Sequence[Result]) -> Iterator[Result]:
    """Mend what was found, check after check, and what shows only when that is mended.

    :param found: of :func:`look`
    """
    known = {_key(each): each for each in found}
    for check in checks:
        # Anew: what an earlier repair has taken with it is there no more, and other things are free now.
        now = {_key(each): each for each in (look(case, [check]) if case.is_running else _find(case, check))}
        for key, result in known.items():
            if result.check == check.name and key not in now:
                yield result._replace(repair="gone, with what was mended before", is_mended=True)
        yield from (_fix(case, check, result) for result in now.values())


def _find(case: Case, check: Check) -> list[Result]:
    try:
        return [Result(check.name, finding) for finding in check.find(case)]
    except Refused:
        raise
    except Exception as error:  # whatever a hypervisor, a database or the kernel has to complain of
        return [Result(check.name, Finding("-", f"could not be looked at: {error}"))]


def _fix(case: Case, check: Check, result: Result) -> Result:
    if result.finding.subject == "-":
        return result
    try:
        return result._replace(repair=check.fix(case, result.finding), is_mended=True)
    except Exception as error:  # as above
        return result._replace(repair=f"not mended: {error}")


def _key(result: Result) -> tuple[str, str, str]:
    return result.check, result.finding.host, result.finding.subject
