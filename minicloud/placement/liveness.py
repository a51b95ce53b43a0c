# SPDX-License-Identifier: Apache-2.0
"""Whether a service is up, by its last heartbeat."""

from __future__ import annotations

from datetime import datetime

from minicloud.objects import Service


def is_up(service: Service, now: datetime, service_down_time: float) -> bool:
    """
    :param service_down_time: seconds of silence after which it counts as down
    """
    if service.forced_down:
        return False
    seen = service.last_seen_up or service.created_at
    return seen is not None and abs((now - seen).total_seconds()) <= service_down_time
