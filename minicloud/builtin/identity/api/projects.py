# SPDX-License-Identifier: Apache-2.0
"""/v3/domains, /v3/projects and a project's tags."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.identity.api.resource import (
    BOOLEAN,
    MAYBE_ID,
    NAME,
    OPTIONS,
    TAGS,
    TEXT,
    Resource,
    wrapped,
)
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.objects import Domain, Project
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN
from minicloud.web.validation import Schema

_DOMAIN = {"name": {**NAME, "maxLength": 64}, "description": TEXT, "enabled": BOOLEAN, "tags": TAGS, "options": OPTIONS}
_PROJECT = {
    "name": {**NAME, "maxLength": 64},
    "domain_id": MAYBE_ID,
    "parent_id": MAYBE_ID,
    "is_domain": BOOLEAN,
    "description": TEXT,
    "enabled": BOOLEAN,
    "tags": TAGS,
    "options": OPTIONS,
}


def domain_of_caller(call: Call[Identity], values: dict[str, Any]) -> dict[str, Any]:
    """What is made without a domain is made in the caller's."""
    if not values.get("domain_id"):
        values["domain_id"] = call.ctxt.domain_id or call.ctxt.project_domain_id or "default"
    return values


def _project_defaults(call: Call[Identity], values: dict[str, Any]) -> dict[str, Any]:
    parent_id = values.get("parent_id")
    if not values.get("domain_id") and parent_id:
        # A project is in its parent's domain; the parent may be the domain itself.
        found = call.app.projects.listing({"id": parent_id})
        values["domain_id"] = found[0].domain_id if found else parent_id
    return domain_of_caller(call, values)


def _narrow_projects(call: Call[Identity], filters: dict[str, Any]) -> dict[str, Any]:
    if call.flag("is_domain"):
        return {"id": ""}  # domains are no projects here
    # The parent of those at the top is their domain.
    parent_id = filters.get("parent_id")
    if parent_id is not None and call.app.domains.listing({"id": parent_id}):
        return {**filters, "parent_id": None, "domain_id": parent_id}
    return filters


def _domain(call: Call[Identity], domain: Domain) -> dict[str, Any]:
    return {
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
    }


def _project(call: Call[Identity], project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "domain_id": project.domain_id,
        "parent_id": project.parent_id or project.domain_id,
        "is_domain": False,
        "description": project.description,
        "enabled": project.enabled,
        "tags": project.tags,
        "options": project.options,
    }


DOMAINS = Resource(
    singular="domain",
    plural="domains",
    records=lambda identity: identity.domains,
    view=_domain,
    create_schema=wrapped("domain", _DOMAIN, ("name",)),
    update_schema=wrapped("domain", _DOMAIN),
    filters=("name", "enabled"),
    rules={"get": f"{ADMIN} or domain_id:%(domain_id)s or project_domain_id:%(domain_id)s"},
)
PROJECTS = Resource(
    singular="project",
    plural="projects",
    records=lambda identity: identity.projects,
    view=_project,
    create_schema=wrapped("project", _PROJECT, ("name",)),
    update_schema=wrapped("project", _PROJECT),
    filters=("name", "domain_id", "parent_id", "enabled"),
    defaults=_project_defaults,
    narrow=_narrow_projects,
    rules={"get": f"{ADMIN} or project_id:%(project_id)s"},
)

_TAGS_BODY = Schema(
    {"type": "object", "properties": {"tags": TAGS}, "required": ["tags"], "additionalProperties": False}
)


def list_tags(call: Call[Identity], project_id: str) -> dict[str, Any]:
    call.authorize("identity:get_project", {"project_id": project_id})
    return {"tags": call.app.projects.get(project_id).tags}


def replace_tags(call: Call[Identity], project_id: str) -> dict[str, Any]:
    return {"tags": call.app.projects.update(project_id, {"tags": call.body["tags"]}).tags}


def delete_tags(call: Call[Identity], project_id: str) -> None:
    call.app.projects.update(project_id, {"tags": []})


def check_tag(call: Call[Identity], project_id: str, tag: str) -> None:
    call.authorize("identity:get_project", {"project_id": project_id})
    if tag not in call.app.projects.get(project_id).tags:
        raise RecordNotFound(kind="project tag", id=tag)


def add_tag(call: Call[Identity], project_id: str, tag: str) -> None:
    tags = call.app.projects.get(project_id).tags
    _TAGS_BODY.validate({"tags": [tag]})
    if tag not in tags:
        call.app.projects.update(project_id, {"tags": [*tags, tag]})


def delete_tag(call: Call[Identity], project_id: str, tag: str) -> None:
    tags = call.app.projects.get(project_id).tags
    if tag not in tags:
        raise RecordNotFound(kind="project tag", id=tag)
    call.app.projects.update(project_id, {"tags": [other for other in tags if other != tag]})


_ALL, _ONE, _UPDATE = (
    "/v3/projects/{project_id}/tags",
    "/v3/projects/{project_id}/tags/{tag}",
    "identity:update_project",
)
OPERATIONS = (
    *DOMAINS.operations(),
    *PROJECTS.operations(),
    Operation("GET", _ALL, list_tags),
    Operation("PUT", _ALL, replace_tags, _UPDATE, body=_TAGS_BODY),
    Operation("DELETE", _ALL, delete_tags, _UPDATE, status=204),
    Operation("GET", _ONE, check_tag, status=204),
    Operation("PUT", _ONE, add_tag, _UPDATE, status=201),
    Operation("DELETE", _ONE, delete_tag, _UPDATE, status=204),
)
RULES = (*DOMAINS.policies(), *PROJECTS.policies())
