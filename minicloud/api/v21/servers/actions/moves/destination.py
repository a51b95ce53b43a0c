# SPDX-License-Identifier: Apache-2.0
"""The host and the zone that somebody asks a server to go to."""

from __future__ import annotations

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.api import aggregates, mappings
from minicloud.placement import zones


def check_host(call: ApiCall, found: Found, host: str, error: type[exception.MinicloudError]) -> None:
    """
    :param error: what to raise for an unknown host
    :raises BadRequest: for the host where the server is
    """
    with call.app.api_db.reader() as conn:
        known = mappings.hosts(conn, found.home.uuid)
    if host not in known:
        raise error(f"Compute host {host} could not be found.")
    if host == found.instance.host:
        raise exception.BadRequest("The target host can't be the same one.")


def check_zone(call: ApiCall, zone: str, host: str | None) -> None:
    """
    :raises BadRequest: for a zone that is not there, or that the host is not in
    """
    default = call.app.conf.default_availability_zone
    with call.app.api_db.reader() as conn:
        known = aggregates.find_all(conn)
    if zone not in {default, *(one.availability_zone for one in known)}:
        raise exception.BadRequest("The requested availability zone is not available")
    if host is not None and zones.zone_of(host, known, default) != zone:
        raise exception.BadRequest(f"Host {host} is not in the availability zone {zone}.")
