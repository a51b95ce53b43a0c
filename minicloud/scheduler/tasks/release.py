# SPDX-License-Identifier: Apache-2.0
"""The end of a server: what the API database keeps for it is given back."""

from __future__ import annotations

from collections.abc import Sequence

from minicloud.db.api import build_requests, mappings, server_groups
from minicloud.db.api import placement as placement_db
from minicloud.db.session import retry_on_deadlock
from minicloud.placement import claims
from minicloud.scheduler.tasks.base import Environment


def forget_server(env: Environment, uuid: str) -> None:
    """Delete its claims, its spec and its place in a group; its mapping no longer counts. Idempotent."""
    taken = _forget(env, uuid)
    env.view.forget(uuid, taken)


def give_back(env: Environment, uuids: Sequence[str]) -> None:
    """Delete claims only: of servers that exist but have no host."""
    if not uuids:
        return
    taken = _give_back(env, uuids)
    for uuid in uuids:
        env.view.forget(uuid, taken.get(uuid, {}))


@retry_on_deadlock
def _forget(env: Environment, uuid: str) -> dict[str, int]:
    with env.api_db.writer() as conn:
        taken = {one.resource_class: one.used for one in placement_db.allocations_of(conn, [uuid])}
        claims.release(conn, [uuid])
        build_requests.delete_spec(conn, uuid)
        server_groups.remove_member(conn, uuid)
        mappings.queue_for_delete(conn, uuid)
        return taken


@retry_on_deadlock
def _give_back(env: Environment, uuids: Sequence[str]) -> dict[str, dict[str, int]]:
    with env.api_db.writer() as conn:
        taken: dict[str, dict[str, int]] = {}
        for one in placement_db.allocations_of(conn, list(uuids)):
            taken.setdefault(one.consumer_uuid, {})[one.resource_class] = one.used
        claims.release(conn, uuids)
        return taken
