# SPDX-License-Identifier: Apache-2.0
"""Roles, what they imply, and who has them where."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.identity.db import Connection, assignments, groups
from minicloud.builtin.identity.db import roles as role_rows
from minicloud.builtin.identity.db.domains import domains
from minicloud.builtin.identity.db.groups import groups as group_repository
from minicloud.builtin.identity.db.projects import projects
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.db.roles import roles
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import Assignment, Domain, Project, Role

_ACTORS: dict[str, Repository[Any]] = {"user": users, "group": group_repository}
_TARGETS: dict[str, Repository[Any]] = {"project": projects, "domain": domains}


class Roles(Records[Role]):
    FIXED = ("domain_id",)

    def __init__(self, store: Store) -> None:
        super().__init__(store, roles)

    def implied_by(self, prior_id: str) -> tuple[Role, list[Role]]:
        """A role and those it directly implies."""
        with self.store.db.reader() as conn:
            prior = roles.get(conn, prior_id)
            ids = role_rows.implications(conn).get(prior_id, ())
            return prior, [role for role in roles.listing(conn) if role.id in ids]

    def inferences(self) -> list[tuple[Role, list[Role]]]:
        """Every role that implies others, with those."""
        with self.store.db.reader() as conn:
            by_id = {role.id: role for role in roles.listing(conn)}
            return [(by_id[prior], [by_id[id] for id in ids]) for prior, ids in role_rows.implications(conn).items()]

    def imply(self, prior_id: str, implied_id: str) -> tuple[Role, Role]:
        """
        :raises Forbidden: when the implied role would imply itself
        """
        with self.store.db.writer() as conn:
            prior, implied = roles.get(conn, prior_id), roles.get(conn, implied_id)
            if prior_id in role_rows.expand([implied_id], role_rows.implications(conn)):
                raise exception.Forbidden("A role cannot imply a role that implies it.")
            role_rows.imply(conn, prior_id, implied_id)
        self.store.changed()
        return prior, implied

    def imply_no_more(self, prior_id: str, implied_id: str) -> None:
        with self.store.db.writer() as conn:
            self._require_implied(conn, prior_id, implied_id)
            role_rows.imply_no_more(conn, prior_id, implied_id)
        self.store.changed()

    def check_implied(self, prior_id: str, implied_id: str) -> tuple[Role, Role]:
        """
        :raises RecordNotFound: when the one does not imply the other
        """
        with self.store.db.reader() as conn:
            return self._require_implied(conn, prior_id, implied_id)

    def _require_implied(self, conn: Connection, prior_id: str, implied_id: str) -> tuple[Role, Role]:
        prior, implied = roles.get(conn, prior_id), roles.get(conn, implied_id)
        if implied_id not in role_rows.implications(conn).get(prior_id, ()):
            raise RecordNotFound(kind="implied role", id=implied_id)
        return prior, implied

    def _check(self, conn: Connection, record: Role) -> None:
        if record.domain_id:
            domains.get(conn, record.domain_id)


class Assignments:
    """Gives roles and takes them away."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def grant(self, assignment: Assignment) -> None:
        with self.store.db.writer() as conn:
            self._require_parties(conn, assignment)
            assignments.add(conn, assignment)
        self.store.changed()

    def revoke(self, assignment: Assignment) -> None:
        """
        :raises RecordNotFound: when it was not given
        """
        with self.store.db.writer() as conn:
            self._require_parties(conn, assignment)
            if not assignments.remove(conn, assignment):
                raise RecordNotFound(kind="role assignment of role", id=assignment.role_id)
        self.store.changed()

    def check(self, assignment: Assignment) -> None:
        """
        :raises RecordNotFound: when it is not given
        """
        with self.store.db.reader() as conn:
            self._require_parties(conn, assignment)
            if not assignments.exists(conn, assignment):
                raise RecordNotFound(kind="role assignment of role", id=assignment.role_id)

    def roles_at(self, actor_type: str, actor_id: str, target_type: str, target_id: str) -> list[Role]:
        """The roles somebody was given at one place, not counting groups and implied roles."""
        with self.store.db.reader() as conn:
            found = assignments.listing(
                conn, actor_type=actor_type, actor_id=actor_id, target_type=target_type, target_id=target_id
            )
            ids = {assignment.role_id for assignment in found}
            return [role for role in roles.listing(conn) if role.id in ids]

    def listing(self, filters: dict[str, str], *, effective: bool = False) -> list[Assignment]:
        """
        :param filters: columns of an assignment to their values
        :param effective: groups' roles as those of their members, and implied roles too
        """
        with self.store.db.reader() as conn:
            if not effective:
                return assignments.listing(conn, **filters)
            everything = _effective(conn, assignments.listing(conn))
        return [
            assignment
            for assignment in everything
            if all(getattr(assignment, key) == value for key, value in filters.items())
        ]

    def projects_of(self, user_id: str) -> list[Project]:
        """The projects in which a user has a role."""
        with self.store.db.reader() as conn:
            users.get(conn, user_id)
            ids = {assignment.target_id for assignment in assignments.of_user(conn, user_id, "project")}
            return [project for project in projects.listing(conn) if project.id in ids]

    def domains_of(self, user_id: str) -> list[Domain]:
        """The domains on which a user has a role."""
        with self.store.db.reader() as conn:
            users.get(conn, user_id)
            ids = {assignment.target_id for assignment in assignments.of_user(conn, user_id, "domain")}
            return [domain for domain in domains.listing(conn) if domain.id in ids]

    def in_system(self, user_id: str) -> bool:
        """Whether a user has a role on the system."""
        with self.store.db.reader() as conn:
            return bool(assignments.of_user(conn, user_id, "system"))

    def _require_parties(self, conn: Connection, assignment: Assignment) -> None:
        _ACTORS[assignment.actor_type].get(conn, assignment.actor_id)
        domain_id = None
        if assignment.target_type != "system":
            target = _TARGETS[assignment.target_type].get(conn, assignment.target_id)
            domain_id = target.domain_id if isinstance(target, Project) else target.id
        role = roles.get(conn, assignment.role_id)
        if role.domain_id and role.domain_id != domain_id:
            raise exception.Forbidden("A role of a domain can only be given in that domain.")


def _effective(conn: Connection, given: list[Assignment]) -> list[Assignment]:
    implied = role_rows.implications(conn)
    # A domain's own roles only stand for those they imply.
    shown = {role.id for role in roles.listing(conn, {"domain_id": ""})}
    members: dict[str, list[str]] = {}
    result: dict[Assignment, None] = {}
    for assignment in given:
        if assignment.actor_type == "group":
            if assignment.actor_id not in members:
                members[assignment.actor_id] = groups.member_ids(conn, assignment.actor_id)
            users_of = members[assignment.actor_id]
        else:
            users_of = [assignment.actor_id]
        for user_id in users_of:
            for role_id in sorted(role_rows.expand([assignment.role_id], implied) & shown):
                result[
                    Assignment(
                        actor_type="user",
                        actor_id=user_id,
                        target_type=assignment.target_type,
                        target_id=assignment.target_id,
                        role_id=role_id,
                    )
                ] = None
    return list(result)
