# SPDX-License-Identifier: Apache-2.0
"""From what a client proves to a grant: the methods, and the scope that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from minicloud import exception
from minicloud.builtin.identity.db import Connection, assignments
from minicloud.builtin.identity.db.application_credentials import application_credentials
from minicloud.builtin.identity.db.domains import domains
from minicloud.builtin.identity.db.projects import projects
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.manager import meaning
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import ApplicationCredential, Domain, Grant, Scope, User
from minicloud.builtin.identity.tokens import FernetTokens, new_audit_id
from minicloud.web import moments


class _Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one method has proved."""

    user_id: str
    methods: tuple[str, ...]
    #: That of the token that was shown.
    parent_audit_id: str | None = None
    #: The new token may not outlive this.
    expires_at: datetime | None = None
    #: The only scope there may be.
    scope: Scope | None = None
    application_credential_id: str | None = None


class Login:
    """Checks an ``auth`` document."""

    def __init__(self, store: Store, tokens: FernetTokens) -> None:
        self._store = store
        self._tokens = tokens
        self._methods: dict[str, Callable[[Mapping[str, Any]], _Proof]] = {
            "password": self._password,
            "token": self._token,
            "application_credential": self._application_credential,
        }

    def grant(self, auth: Mapping[str, Any]) -> Grant:
        """
        :param auth: Keystone's ``auth`` document, validated
        :raises Unauthorized: without saying what was wrong
        """
        proofs = [self._prove(method, auth["identity"]) for method in dict.fromkeys(auth["identity"]["methods"])]
        user_id = proofs[0].user_id
        if any(proof.user_id != user_id for proof in proofs):
            raise exception.Unauthorized()
        ends = [proof.expires_at for proof in proofs if proof.expires_at is not None]
        parents = [proof.parent_audit_id for proof in proofs if proof.parent_audit_id is not None]
        now = moments.now()
        return Grant(
            user_id=user_id,
            scope=self._scope(auth.get("scope"), user_id, proofs),
            methods=tuple(dict.fromkeys(method for proof in proofs for method in proof.methods)),
            audit_ids=(new_audit_id(), *parents[:1]),
            issued_at=now,
            expires_at=min([now + self._store.token_life, *ends]),
            application_credential_id=next(
                (proof.application_credential_id for proof in proofs if proof.application_credential_id), None
            ),
        )

    def _prove(self, method: str, identity: Mapping[str, Any]) -> _Proof:
        prove = self._methods.get(method)
        if prove is None:
            raise exception.Unauthorized("Attempted to authenticate with an unsupported method.")
        if not isinstance(identity.get(method), Mapping):
            raise exception.ValidationError(field=f"auth.identity.{method}", reason="it is missing")
        return prove(identity[method])

    # Methods -----------------------------------------------------------------------------------

    def _password(self, given: Mapping[str, Any]) -> _Proof:
        with self._store.db.reader() as conn:
            user = _find_user(conn, given["user"])
        # The same time for users that do not exist, and outside the transaction.
        if not self._store.passwords.check(given["user"]["password"], user.password_hash if user else None):
            raise exception.Unauthorized()
        if user is None:
            raise exception.Unauthorized()
        return _Proof(user_id=user.id, methods=("password",))

    def _token(self, given: Mapping[str, Any]) -> _Proof:
        grant = self._tokens.decode(given["id"])
        if grant is None:
            raise exception.Unauthorized()
        with self._store.db.reader() as conn:
            meaning.look_up(conn, grant)
        return _Proof(
            user_id=grant.user_id,
            methods=("token", *grant.methods),
            parent_audit_id=grant.audit_ids[-1],
            expires_at=grant.expires_at,
            # What an application credential may do does not grow by showing its token.
            scope=grant.scope if grant.application_credential_id else None,
            application_credential_id=grant.application_credential_id,
        )

    def _application_credential(self, given: Mapping[str, Any]) -> _Proof:
        with self._store.db.reader() as conn:
            found = _find_application_credential(conn, given)
        if not self._store.passwords.check(given["secret"], found.secret_hash if found else None):
            raise exception.Unauthorized()
        if found is None:
            raise exception.Unauthorized()
        return _Proof(
            user_id=found.user_id,
            methods=("application_credential",),
            expires_at=found.expires_at,
            scope=Scope(type="project", id=found.project_id),
            application_credential_id=found.id,
        )

    # Scope -------------------------------------------------------------------------------------

    def _scope(self, wanted: Any, user_id: str, proofs: list[_Proof]) -> Scope:
        with self._store.db.reader() as conn:
            scope = _wanted_scope(conn, wanted)
            only = next((proof.scope for proof in proofs if proof.scope is not None), None)
            if only is not None:
                if scope not in (None, only):
                    raise exception.Unauthorized(
                        "An application credential has its own scope; another cannot be asked for."
                    )
                return only
            if scope is not None:
                return scope
            return _default_scope(conn, user_id)


def _wanted_scope(conn: Connection, wanted: Any) -> Scope | None:
    """
    :returns: None when nothing was asked for
    """
    if wanted is None:
        return None
    if wanted == "unscoped" or "unscoped" in wanted:
        return Scope()
    if "system" in wanted:
        return Scope(type="system", id="all")
    if "domain" in wanted:
        domain = _find_domain(conn, wanted["domain"])
        if domain is None:
            raise exception.Unauthorized()
        return Scope(type="domain", id=domain.id)
    if "project" in wanted:
        return Scope(type="project", id=_project_id(conn, wanted["project"]))
    raise exception.ValidationError(field="auth.scope", reason="it has none of project, domain, system, unscoped")


def _project_id(conn: Connection, given: Mapping[str, Any]) -> str:
    if "id" in given:
        return str(given["id"])
    domain = _find_domain(conn, _required(given, "domain", "auth.scope.project"))
    project = (
        projects.find(conn, domain_id=domain.id, name=_required(given, "name", "auth.scope.project"))
        if domain
        else None
    )
    if project is None:
        raise exception.Unauthorized()
    return project.id


def _default_scope(conn: Connection, user_id: str) -> Scope:
    """The user's default project when it can be used, else none."""
    user = users.find(conn, id=user_id)
    project_id = user.default_project_id if user else None
    if project_id and assignments.role_ids(conn, user_id, "project", project_id):
        project = projects.find(conn, id=project_id)
        if project is not None and project.enabled:
            return Scope(type="project", id=project_id)
    return Scope()


def _find_user(conn: Connection, given: Mapping[str, Any]) -> User | None:
    if "id" in given:
        return users.find(conn, id=given["id"])
    domain = _find_domain(conn, _required(given, "domain", "auth.identity.password.user"))
    name = _required(given, "name", "auth.identity.password.user")
    return None if domain is None else users.find(conn, domain_id=domain.id, name=name)


def _find_application_credential(conn: Connection, given: Mapping[str, Any]) -> ApplicationCredential | None:
    if "id" in given:
        return application_credentials.find(conn, id=given["id"])
    field = "auth.identity.application_credential"
    user = _find_user(conn, _required(given, "user", field))
    name = _required(given, "name", field)
    return None if user is None else application_credentials.find(conn, user_id=user.id, name=name)


def _find_domain(conn: Connection, given: Mapping[str, Any]) -> Domain | None:
    if "id" in given:
        return domains.find(conn, id=given["id"])
    return domains.find(conn, name=_required(given, "name", "domain"))


def _required(given: Mapping[str, Any], key: str, field: str) -> Any:
    if key not in given:
        raise exception.ValidationError(field=f"{field}.{key}", reason="it is missing")
    return given[key]
