# SPDX-License-Identifier: Apache-2.0
"""Bridges, tunnels, cables and namespaces on this machine whose networks and routers are gone."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud.builtin.network.agent import strays
from minicloud.builtin.network.agent.lock import is_owner
from minicloud.builtin.network.agent.strays import Known
from minicloud.builtin.network.db import ids
from minicloud.builtin.network.drivers import loader
from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding


def find(case: Case) -> Iterator[Finding]:
    # By the same names another cloud has its devices.
    if case.network is None or loader.choice(case.conf) == loader.BOOKS or not is_owner(case.conf):
        return
    for stray in strays.find(case.conf, lambda: _known(case)):
        yield Finding(stray.name, stray.what, str(case.conf.host), stray)


def _known(case: Case) -> Known:
    assert case.network is not None
    with case.network.reader() as conn:
        return Known(*ids.all_of(conn))


def fix(case: Case, finding: Finding) -> str:
    strays.remove(case.conf, finding.more)
    return "removed it"


CHECK = Check("device without network", find, fix)
