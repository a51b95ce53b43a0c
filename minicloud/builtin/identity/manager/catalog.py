# SPDX-License-Identifier: Apache-2.0
"""Regions, services, endpoints, and the catalog that tokens show."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.identity.db import Connection, catalog
from minicloud.builtin.identity.db.catalog import endpoints, regions, services
from minicloud.builtin.identity.errors import DuplicateRecord
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import CatalogService, Endpoint, Region, Service


class Regions(Records[Region]):
    def __init__(self, store: Store) -> None:
        super().__init__(store, regions)

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("id"):
            values.pop("id", None)
        return values

    def _check(self, conn: Connection, record: Region) -> None:
        seen, parent_id = {record.id}, record.parent_region_id
        while parent_id is not None:
            if parent_id in seen:
                raise exception.ValidationError(field="parent_region_id", reason="a region cannot be inside itself")
            seen.add(parent_id)
            parent_id = regions.get(conn, parent_id).parent_region_id

    def _release(self, conn: Connection, record: Region) -> None:
        if regions.find(conn, parent_region_id=record.id) or endpoints.find(conn, region_id=record.id):
            raise exception.Forbidden(f"Cannot delete the region {record.id}: it has endpoints or regions in it.")


class Services(Records[Service]):
    def __init__(self, store: Store) -> None:
        super().__init__(store, services)


class Endpoints(Records[Endpoint]):
    def __init__(self, store: Store) -> None:
        super().__init__(store, endpoints)

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        # ``region`` is the old name of region_id.
        if "region" in values:
            values.setdefault("region_id", values.pop("region"))
            values.pop("region", None)
        return values

    def _check(self, conn: Connection, record: Endpoint) -> None:
        if services.find(conn, id=record.service_id) is None:
            raise exception.ValidationError(field="service_id", reason="there is no such service")
        if record.region_id is not None and regions.find(conn, id=record.region_id) is None:
            try:
                regions.insert(conn, Region(id=record.region_id))  # as Keystone does for ``region``
            except DuplicateRecord:
                raise exception.ValidationError(field="region_id", reason="there is no such region") from None


class Catalog:
    """The services and endpoints of the cloud, as a token's holder sees them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def enabled(self) -> list[CatalogService]:
        with self.store.db.reader() as conn:
            return catalog.enabled(conn)
