# SPDX-License-Identifier: Apache-2.0
"""Availability zones: what the metadata of host aggregates makes of hosts."""

from __future__ import annotations

from collections.abc import Iterable

from minicloud.objects import Aggregate


def zone_of(host: str, aggregates: Iterable[Aggregate], default: str) -> str:
    """The zone of a host.

    :param default: ``[DEFAULT] default_availability_zone``, of hosts that no zone has
    """
    return next((one.availability_zone for one in aggregates if one.availability_zone and host in one.hosts), default)


def zones_of(aggregates: Iterable[Aggregate]) -> dict[str, str]:
    """Host -> zone, of all hosts that are in one; the oldest aggregate decides."""
    result: dict[str, str] = {}
    for one in aggregates:
        if zone := one.availability_zone:
            for host in one.hosts:
                result.setdefault(host, zone)
    return result
