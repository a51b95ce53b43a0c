# SPDX-License-Identifier: Apache-2.0
"""Regions, services and their endpoints."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import CatalogService, Endpoint, Region, Service

regions = Repository(models.Region, Region, "region")
services = Repository(models.Service, Service, "service")
endpoints = Repository(models.Endpoint, Endpoint, "endpoint")

_INTERFACES = ("public", "internal", "admin")


def enabled(conn: Connection) -> list[CatalogService]:
    """The services that are enabled with the endpoints that are."""
    by_service: dict[str, list[Endpoint]] = {}
    for endpoint in sorted(endpoints.listing(conn, {"enabled": True}), key=_place):
        by_service.setdefault(endpoint.service_id, []).append(endpoint)
    return [
        CatalogService(service=service, endpoints=tuple(by_service.get(service.id, ())))
        for service in services.listing(conn, {"enabled": True})
    ]


def _place(endpoint: Endpoint) -> tuple[str, int]:
    return endpoint.region_id or "", _INTERFACES.index(endpoint.interface)
