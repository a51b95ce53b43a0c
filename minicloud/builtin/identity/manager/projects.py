# SPDX-License-Identifier: Apache-2.0
"""Domains and projects."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.identity.db import Connection, assignments
from minicloud.builtin.identity.db.application_credentials import application_credentials
from minicloud.builtin.identity.db.credentials import credentials
from minicloud.builtin.identity.db.domains import domains
from minicloud.builtin.identity.db.groups import groups
from minicloud.builtin.identity.db.projects import projects
from minicloud.builtin.identity.db.roles import roles
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import Domain, Project

_MAX_DEPTH = 5


class Domains(Records[Domain]):
    def __init__(self, store: Store) -> None:
        super().__init__(store, domains)

    def _release(self, conn: Connection, record: Domain) -> None:
        if record.enabled:
            raise exception.Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        assignments.remove_all(conn, target_type="domain", target_id=record.id)
        for user in users.listing(conn, {"domain_id": record.id}):
            forget_actor(conn, "user", user.id)
        for group in groups.listing(conn, {"domain_id": record.id}):
            forget_actor(conn, "group", group.id)
        self._release_projects(conn, record.id)
        for repository in (users, groups, roles):
            repository.delete_where(conn, domain_id=record.id)

    def _release_projects(self, conn: Connection, domain_id: str) -> None:
        left = projects.listing(conn, {"domain_id": domain_id})
        while left:  # leaves first
            parents = {project.parent_id for project in left}
            for project in left:
                if project.id not in parents:
                    forget_project(conn, project.id)
                    projects.delete(conn, project.id)
            left = [project for project in left if project.id in parents]


class Projects(Records[Project]):
    FIXED = ("domain_id", "parent_id")

    def __init__(self, store: Store) -> None:
        super().__init__(store, projects)

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        if values.pop("is_domain", False):
            raise exception.ValidationError(field="is_domain", reason="make domains with POST /v3/domains")
        # The top of a domain is written as the domain itself, or as nothing.
        if "parent_id" in values and values["parent_id"] == values.get("domain_id"):
            values["parent_id"] = None
        return values

    def _refuse_fixed(self, old: Project, changes: Any) -> None:
        if changes.get("parent_id") == old.domain_id:
            changes["parent_id"] = None
        super()._refuse_fixed(old, changes)

    def _check(self, conn: Connection, record: Project) -> None:
        domains.get(conn, record.domain_id)
        depth, parent_id = 1, record.parent_id
        while parent_id is not None:
            parent = projects.get(conn, parent_id)
            if parent.domain_id != record.domain_id:
                raise exception.ValidationError(field="parent_id", reason="the parent is in another domain")
            depth, parent_id = depth + 1, parent.parent_id
        if depth > _MAX_DEPTH:
            raise exception.Forbidden(f"Projects cannot be nested more than {_MAX_DEPTH} deep.")

    def _release(self, conn: Connection, record: Project) -> None:
        if projects.find(conn, parent_id=record.id) is not None:
            raise exception.Forbidden(f"Cannot delete the project {record.id} since it is not a leaf in the hierarchy.")
        forget_project(conn, record.id)


def forget_project(conn: Connection, project_id: str) -> None:
    """Delete what holds only in a project."""
    assignments.remove_all(conn, target_type="project", target_id=project_id)
    application_credentials.delete_where(conn, project_id=project_id)
    credentials.delete_where(conn, project_id=project_id)


def forget_actor(conn: Connection, actor_type: str, actor_id: str) -> None:
    """Delete what a user or a group may do; ids are never used again, but rows need not stay."""
    assignments.remove_all(conn, actor_type=actor_type, actor_id=actor_id)
