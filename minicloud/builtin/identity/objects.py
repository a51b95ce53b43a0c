# SPDX-License-Identifier: Apache-2.0
"""What the identity service keeps, one frozen struct per entity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the entities; ``extra`` keeps the keys a client added of its own."""

    id: str
    extra: dict[str, Any] = {}


class Domain(Record, frozen=True, kw_only=True):
    name: str
    description: str | None = ""
    enabled: bool = True
    tags: list[str] = []
    options: dict[str, Any] = {}


class Project(Record, frozen=True, kw_only=True):
    name: str
    domain_id: str
    #: None at the top of its domain.
    parent_id: str | None = None
    description: str | None = ""
    enabled: bool = True
    tags: list[str] = []
    options: dict[str, Any] = {}


class User(Record, frozen=True, kw_only=True):
    name: str
    domain_id: str
    description: str | None = None
    default_project_id: str | None = None
    enabled: bool = True
    options: dict[str, Any] = {}
    #: bcrypt; None: nobody can log in with a password.
    password_hash: str | None = None
    created_at: datetime | None = None


class Group(Record, frozen=True, kw_only=True):
    name: str
    domain_id: str
    description: str | None = ""


class Role(Record, frozen=True, kw_only=True):
    name: str
    #: Empty for a role of the whole cloud.
    domain_id: str = ""
    description: str | None = None
    options: dict[str, Any] = {}


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A role that somebody has somewhere."""

    #: user, group
    actor_type: str
    actor_id: str
    #: project, domain, system
    target_type: str
    #: ``all`` for the system
    target_id: str
    role_id: str


class Region(Record, frozen=True, kw_only=True):
    description: str | None = ""
    parent_region_id: str | None = None


class Service(Record, frozen=True, kw_only=True):
    type: str
    name: str | None = None
    description: str | None = None
    enabled: bool = True


class Endpoint(Record, frozen=True, kw_only=True):
    service_id: str
    #: public, internal, admin
    interface: str
    url: str
    region_id: str | None = None
    name: str | None = None
    enabled: bool = True


class ApplicationCredential(Record, frozen=True, kw_only=True):
    user_id: str
    project_id: str
    name: str
    description: str | None = None
    secret_hash: str
    role_ids: list[str]
    expires_at: datetime | None = None
    #: May make and delete application credentials itself.
    unrestricted: bool = False
    created_at: datetime | None = None


class Credential(Record, frozen=True, kw_only=True):
    user_id: str
    project_id: str | None = None
    #: ec2, cert, totp …
    type: str
    #: Encrypted in the database.
    blob: str


class CatalogService(msgspec.Struct, frozen=True, kw_only=True):
    """A service with the endpoints a token's holder is shown."""

    service: Service
    endpoints: tuple[Endpoint, ...]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where a token holds."""

    #: unscoped, project, domain, system
    type: str = "unscoped"
    id: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What is written in a token; the rest is looked up when it is used."""

    user_id: str
    scope: Scope
    methods: tuple[str, ...]
    #: Its own id first, then that of the token it was got with.
    audit_ids: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    application_credential_id: str | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token means at this moment."""

    grant: Grant
    user: User
    user_domain: Domain
    project: Project | None = None
    #: The project's domain, or the domain that is the scope.
    domain: Domain | None = None
    roles: tuple[Role, ...] = ()
    application_credential: ApplicationCredential | None = None
