# SPDX-License-Identifier: Apache-2.0
"""Ports that are plugged into servers which are gone."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud import context
from minicloud.builtin.network.db import ports
from minicloud.builtin.network.drivers.books import BooksDriver
from minicloud.builtin.network.manager.core import Core, silent
from minicloud.builtin.network.manager.servers import ServerPorts
from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding


def find(case: Case) -> Iterator[Finding]:
    if case.network is None:
        return
    with case.network.reader() as conn:
        plugged = ports.of_any_server(conn)
    fates = case.fates(port.device_id for port in plugged)
    for port in plugged:
        # What a user or an administrator has bound for servers that never were ours is theirs.
        is_gone = fates.get(port.device_id, port.made_by_compute)
        if is_gone:
            yield Finding(port.id, f"plugged into server {port.device_id}, which is gone", port.binding_host_id, port)


def fix(case: Case, finding: Finding) -> str:
    assert case.network is not None
    # The books are enough: agents look by themselves at what is in them.
    plugs = ServerPorts(Core(case.conf, case.network, silent, BooksDriver()))
    port = finding.more
    plugs.release(context.admin(), port.device_id, [], only=port.id)
    return "deleted it" if port.made_by_compute else "unplugged it; it stays with its owner"


CHECK = Check("port without server", find, fix)
