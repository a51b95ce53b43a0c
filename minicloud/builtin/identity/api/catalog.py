# SPDX-License-Identifier: Apache-2.0
"""/v3/regions, /v3/services, /v3/endpoints, and the catalog that tokens carry."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.identity.api.resource import BOOLEAN, ID, NAME, TEXT, Resource, wrapped
from minicloud.builtin.identity.objects import CatalogService, Endpoint, Region, Service, Token
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ANYONE

_MAYBE_NAME = {"type": ["string", "null"], "maxLength": 255}
_REGION = {
    "id": {"type": "string", "maxLength": 255, "pattern": "^[^/]*$"},
    "description": TEXT,
    "parent_region_id": _MAYBE_NAME,
}
_SERVICE = {"type": NAME, "name": _MAYBE_NAME, "description": TEXT, "enabled": BOOLEAN}
_ENDPOINT = {
    "service_id": ID,
    "interface": {"type": "string", "enum": ["public", "internal", "admin"]},
    "url": {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": "^[a-zA-Z][a-zA-Z0-9+.-]*://"},
    "region_id": _MAYBE_NAME,
    "region": _MAYBE_NAME,
    "name": _MAYBE_NAME,
    "enabled": BOOLEAN,
}


def _region(call: Call[Identity], region: Region) -> dict[str, Any]:
    return {"description": region.description, "parent_region_id": region.parent_region_id}


def _service(call: Call[Identity], service: Service) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": service.type, "enabled": service.enabled}
    optional = {"name": service.name, "description": service.description}
    return {**shown, **{key: value for key, value in optional.items() if value is not None}}


def _endpoint(call: Call[Identity], endpoint: Endpoint) -> dict[str, Any]:
    return {
        "service_id": endpoint.service_id,
        "interface": endpoint.interface,
        "url": endpoint.url,
        "region": endpoint.region_id,
        "region_id": endpoint.region_id,
        "enabled": endpoint.enabled,
        **({"name": endpoint.name} if endpoint.name is not None else {}),
    }


REGIONS = Resource(
    singular="region",
    plural="regions",
    records=lambda identity: identity.regions,
    view=_region,
    create_schema=wrapped("region", _REGION),
    update_schema=wrapped("region", _REGION),
    filters=("parent_region_id",),
    named_by_client=True,
    rules={"list": ANYONE, "get": ANYONE},
)
SERVICES = Resource(
    singular="service",
    plural="services",
    records=lambda identity: identity.services,
    view=_service,
    create_schema=wrapped("service", _SERVICE, ("type",)),
    update_schema=wrapped("service", _SERVICE),
    filters=("name", "type"),
)
ENDPOINTS = Resource(
    singular="endpoint",
    plural="endpoints",
    records=lambda identity: identity.endpoints,
    view=_endpoint,
    create_schema=wrapped("endpoint", _ENDPOINT, ("service_id", "interface", "url")),
    update_schema=wrapped("endpoint", _ENDPOINT),
    filters=("interface", "service_id", "region_id"),
)


def put_region(call: Call[Identity], region_id: str) -> dict[str, Any]:
    """Make a region with an id of the client's choice."""
    record = call.app.regions.create({**call.body["region"], "id": region_id})
    return {"region": REGIONS.render(call, record)}


def catalog(services: list[CatalogService], token: Token) -> list[dict[str, Any]]:
    """A token's catalog; without a project, endpoints whose URL names one are left out."""
    return [
        {
            "id": item.service.id,
            "type": item.service.type,
            "name": item.service.name or "",
            "endpoints": [shown for endpoint in item.endpoints if (shown := _in_catalog(endpoint, token)) is not None],
        }
        for item in services
    ]


def _in_catalog(endpoint: Endpoint, token: Token) -> dict[str, Any] | None:
    url = endpoint.url
    if "(" in url:
        project_id = token.project.id if token.project else None
        for name, value in (("tenant_id", project_id), ("project_id", project_id), ("user_id", token.user.id)):
            for form in (f"$({name})s", f"%({name})s"):
                if form in url and value is None:
                    return None
                url = url.replace(form, value or "")
    return {
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region": endpoint.region_id,
        "region_id": endpoint.region_id,
        "url": url,
    }


OPERATIONS = (
    *REGIONS.operations(),
    *SERVICES.operations(),
    *ENDPOINTS.operations(),
    Operation(
        "PUT",
        "/v3/regions/{region_id}",
        put_region,
        "identity:create_region",
        body=wrapped("region", {key: _REGION[key] for key in ("description", "parent_region_id")}),
        status=201,
    ),
)
RULES = (*REGIONS.policies(), *SERVICES.policies(), *ENDPOINTS.policies())
