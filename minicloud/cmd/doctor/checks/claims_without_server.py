# SPDX-License-Identifier: Apache-2.0
"""Allocations of resources that no server, and no migration of one, has any more."""

from __future__ import annotations

from collections.abc import Iterator

from minicloud.cmd.doctor.case import Case
from minicloud.cmd.doctor.check import Check, Finding
from minicloud.db.api import placement as db
from minicloud.db.cell import moves
from minicloud.placement import claims


def find(case: Case) -> Iterator[Finding]:
    with case.api.reader() as conn:
        held = db.consumers(conn)
        hosts = {one.uuid: one.host for one in db.providers(conn)}
    fates = case.fates(consumer for consumer, _ in held)
    for consumer, provider in held:
        if fates.get(consumer, True) and not _is_migration(case, consumer):
            yield Finding(consumer, f"takes of provider {provider}, but is gone", hosts.get(provider, ""), provider)


def _is_migration(case: Case, uuid: str) -> bool:
    """A migration holds what its server had at its source."""
    return any(is_open for _, is_open in case.ask(lambda conn: moves.is_open(conn, uuid)))


def fix(case: Case, finding: Finding) -> str:
    with case.api.writer() as conn:
        db.lock_providers(conn, [finding.more])
        claims.release(conn, [finding.subject], finding.more)
        db.raise_generation(conn, [finding.more])
    return "gave it back"


CHECK = Check("allocation without server", find, fix)
