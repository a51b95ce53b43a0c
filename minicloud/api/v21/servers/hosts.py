# SPDX-License-Identifier: Apache-2.0
"""Whether the hosts of servers are up, as their heartbeats say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.cell import services
from minicloud.objects import Service
from minicloud.placement import liveness
from minicloud.web.moments import now

BINARY: Final = "minicloud-compute"


def is_up(call: ApiCall, cell: Cell, host: str) -> bool:
    """Whether something on this host would hear of a message."""
    if cell.compute is None:
        return False
    with cell.db.reader() as conn:
        found = services.find(conn, host=host, binary=BINARY)
    return any(liveness.is_up(service, now(), call.app.conf.service_down_time) for service in found)


def statuses(call: ApiCall, cell: Cell, names: Iterable[str]) -> dict[str, str]:
    """Host -> UP, DOWN, MAINTENANCE (disabled) or UNKNOWN."""
    wanted = set(names)
    with cell.db.reader() as conn:
        found = {service.host: service for service in services.find(conn, binary=BINARY) if service.host in wanted}
    return {host: _status(found.get(host), call.app.conf.service_down_time) for host in wanted}


def _status(service: Service | None, down_time: int) -> str:
    if service is None:
        return "UNKNOWN"
    if service.disabled:
        return "MAINTENANCE"
    if service.forced_down:
        return "DOWN"
    return "UP" if liveness.is_up(service, now(), down_time) else "UNKNOWN"
