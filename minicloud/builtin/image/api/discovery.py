# SPDX-License-Identifier: Apache-2.0
"""Versions, import methods, stores, tasks, and metadata definitions, of which there are none."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.image import records
from minicloud.builtin.image.api import views
from minicloud.builtin.image.manager import query
from minicloud.builtin.image.service import ImageService
from minicloud.web.operation import Call, Operation

_NEWEST = 16


def versions(call: Call[ImageService]) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{call.url}/v2/"}]
    return {
        "versions": [
            {"id": f"v2.{minor}", "status": "CURRENT" if minor == _NEWEST else "SUPPORTED", "links": links}
            for minor in range(_NEWEST, -1, -1)
        ]
    }


def import_methods(call: Call[ImageService]) -> dict[str, Any]:
    about = {"description": "Import methods available.", "type": "array", "value": call.app.imports.methods}
    return {"import-methods": about}


def stores(call: Call[ImageService]) -> dict[str, Any]:
    return {"stores": [{"id": records.STORE, "description": "A directory of this cloud", "default": "true"}]}


def list_tasks(call: Call[ImageService]) -> dict[str, Any]:
    options = call.app.conf.image
    page = query.page(call.query, options.limit_param_default, options.api_limit_max)
    status = call.param("status")
    if "\0" in f"{status}{page.marker}":
        raise exception.BadRequest("status and marker must not have a NUL character")
    found = call.app.imports.find(page.limit, page.marker, status)
    body: dict[str, Any] = {
        "tasks": [views.task(task) for task in found],
        "first": "/v2/tasks",
        "schema": "/v2/schemas/tasks",
    }
    if found and len(found) == page.limit:
        body["next"] = f"/v2/tasks?limit={page.limit}&marker={found[-1].id}"
    return body


def show_task(call: Call[ImageService], task_id: str) -> dict[str, Any]:
    return views.task(call.app.imports.get(task_id.replace("\0", "")))


def namespaces(call: Call[ImageService]) -> dict[str, Any]:
    path = "/v2/metadefs/namespaces"
    return {"namespaces": [], "first": path, "schema": "/v2/schemas/metadefs/namespaces"}


def resource_types(call: Call[ImageService]) -> dict[str, Any]:
    return {"resource_types": []}


OPERATIONS = (
    Operation("GET", "/", versions, status=300, public=True),
    Operation("GET", "/versions", versions, public=True),
    Operation("GET", "/v2/info/import", import_methods, rule="get_stores"),
    Operation("GET", "/v2/info/stores", stores, rule="get_stores"),
    Operation("GET", "/v2/tasks", list_tasks, rule="tasks_api_access"),
    Operation("GET", "/v2/tasks/{task_id}", show_task, rule="tasks_api_access"),
    Operation("GET", "/v2/metadefs/namespaces", namespaces, rule="get_metadef"),
    Operation("GET", "/v2/metadefs/resource_types", resource_types, rule="get_metadef"),
)
