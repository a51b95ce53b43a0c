# SPDX-License-Identifier: Apache-2.0
"""What a check is: one kind of thing that can be wrong, how it is found and how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minicloud.cmd.doctor.case import Case


class Finding(NamedTuple):
    """One thing that is wrong."""

    #: What it is about: a server's id, a path, the name of a device.
    subject: str
    #: What is wrong with it, for people.
    text: str
    #: Where it is; empty: in the records.
    host: str = ""
    #: What else it takes to mend it.
    more: Any = None


class Check(NamedTuple):
    """One row of the table of checks."""

    name: str
    #: Reads things first and the records about them afterwards, so that what is made just now is not taken for lost.
    find: Callable[[Case], Iterable[Finding]]
    #: Mends one of them and says what was done; nothing happens to what is right by now.
    fix: Callable[[Case, Finding], str]
