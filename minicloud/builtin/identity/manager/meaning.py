# SPDX-License-Identifier: Apache-2.0
"""What a grant means at this moment: who, where, with which roles; and whether it still holds."""

from __future__ import annotations

from minicloud import exception
from minicloud.builtin.identity.db import Connection, assignments, revocations
from minicloud.builtin.identity.db import roles as role_rows
from minicloud.builtin.identity.db.application_credentials import application_credentials
from minicloud.builtin.identity.db.domains import domains
from minicloud.builtin.identity.db.projects import projects
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.objects import (
    ApplicationCredential,
    Domain,
    Grant,
    Project,
    Role,
    Scope,
    Token,
    User,
)
from minicloud.web import moments


def look_up(conn: Connection, grant: Grant, *, allow_expired: bool = False) -> Token:
    """Everything a grant stands for, read anew.

    :raises Unauthorized: when it has ended, was revoked, or somebody or something it names is gone or disabled
    """
    if not allow_expired and grant.expires_at <= moments.now():
        raise exception.Unauthorized()
    if revocations.is_revoked(conn, grant):
        raise exception.Unauthorized()
    user, user_domain = enabled_user(conn, grant.user_id)
    project, domain = _scope(conn, grant.scope)
    credential = _credential(conn, grant)
    roles = _roles(conn, grant, credential)
    if grant.scope.type != "unscoped" and not roles:
        raise exception.Unauthorized()
    return Token(
        grant=grant,
        user=user,
        user_domain=user_domain,
        project=project,
        domain=domain,
        roles=roles,
        application_credential=credential,
    )


def enabled_user(conn: Connection, user_id: str) -> tuple[User, Domain]:
    """
    :raises Unauthorized: when the user or its domain is gone or disabled
    """
    user = users.find(conn, id=user_id)
    if user is None or not user.enabled:
        raise exception.Unauthorized()
    return user, _enabled_domain(conn, user.domain_id)


def _enabled_domain(conn: Connection, domain_id: str) -> Domain:
    domain = domains.find(conn, id=domain_id)
    if domain is None or not domain.enabled:
        raise exception.Unauthorized()
    return domain


def _scope(conn: Connection, scope: Scope) -> tuple[Project | None, Domain | None]:
    if scope.type == "domain":
        return None, _enabled_domain(conn, scope.id)
    if scope.type != "project":
        return None, None
    project = projects.find(conn, id=scope.id)
    if project is None or not project.enabled:
        raise exception.Unauthorized()
    return project, _enabled_domain(conn, project.domain_id)


def _credential(conn: Connection, grant: Grant) -> ApplicationCredential | None:
    if grant.application_credential_id is None:
        return None
    found = application_credentials.find(conn, id=grant.application_credential_id, user_id=grant.user_id)
    if found is None or (found.expires_at is not None and found.expires_at <= moments.now()):
        raise exception.Unauthorized()
    return found


def _roles(conn: Connection, grant: Grant, credential: ApplicationCredential | None) -> tuple[Role, ...]:
    if grant.scope.type == "unscoped":
        return ()
    given = assignments.role_ids(conn, grant.user_id, grant.scope.type, grant.scope.id)
    roles = role_rows.with_implied(conn, given)
    if credential is not None:
        # A role that the user has lost since, its credentials have lost too.
        allowed = role_rows.expand(credential.role_ids, role_rows.implications(conn))
        roles = [role for role in roles if role.id in allowed]
    # A domain's own roles only stand for those they imply.
    return tuple(role for role in roles if not role.domain_id)
