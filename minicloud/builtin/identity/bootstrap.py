# SPDX-License-Identifier: Apache-2.0
"""Fill a new cloud: the first domain, roles, projects, users and the catalog."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from oslo_config import cfg

from minicloud.builtin.identity.db import MIGRATIONS
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.objects import Assignment, Record
from minicloud.builtin.identity.service import Identity
from minicloud.db import migrate
from minicloud.db.session import Database

T = TypeVar("T", bound=Record)

DEFAULT_DOMAIN_ID = "default"
REGION = "RegionOne"

#: Each implies the next.
PERSONAS = ("admin", "manager", "member", "reader")
ROLES = (*PERSONAS, "service")

#: project -> description
PROJECTS = {
    "admin": "The cloud's administrators",
    "demo": "A project to try the cloud in",
    "service": "The cloud's own services",
}

#: user -> its project, its roles there
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("admin", ("admin",)),
    "demo": ("demo", ("member",)),
    "minicloud": ("service", ("admin", "service")),
}

#: type -> name, description, path after the public URL; identity last, see _Filler.fill
SERVICES = {
    "compute": ("nova", "Compute", "/compute/v2.1"),
    "image": ("glance", "Image", "/image"),
    "network": ("neutron", "Network", "/network"),
    "identity": ("keystone", "Identity", "/identity/v3"),
}
INTERFACES = ("public", "internal", "admin")


class Bootstrapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a new cloud has; all mappings are by name."""

    domain_id: str = DEFAULT_DOMAIN_ID
    region_id: str = REGION
    roles: dict[str, str]
    projects: dict[str, str]
    users: dict[str, str]
    #: By type.
    services: dict[str, str]
    #: Of the users made just now; nobody can read them later.
    passwords: dict[str, str]
    #: What was made or changed just now, such as ``user demo``; empty at a later start.
    created: tuple[str, ...]


def bootstrap(
    conf: cfg.ConfigOpts,
    db: Database,
    *,
    public_url: str,
    passwords: Mapping[str, str] | None = None,
    identity: Identity | None = None,
) -> Bootstrapped:
    """Migrate the database and make what is missing; what is there stays as it is.

    :param public_url: where the cloud's front ends are, such as ``http://127.0.0.1:8080``; the catalog follows it
    :param passwords: for the users to be made, by name; those not given are generated
    :param identity: the process's own, when it has one already
    """
    migrate.sync(db, MIGRATIONS)
    return _Filler(identity or Identity(conf, db), public_url.rstrip("/"), passwords or {}).fill()


class _Filler:
    def __init__(self, identity: Identity, public_url: str, passwords: Mapping[str, str]) -> None:
        self.identity = identity
        self.public_url = public_url
        self.given_passwords = passwords
        self.passwords: dict[str, str] = {}
        self.created: list[str] = []

    def fill(self) -> Bootstrapped:
        # The identity service is the last thing made: with it, an earlier start came to its end, and
        # what an operator has taken away since does not come back.
        if not self.identity.services.listing({"type": "identity"}):
            self._first()
        services = self._catalog()
        default = {"domain_id": DEFAULT_DOMAIN_ID}
        return Bootstrapped(
            roles={role.name: role.id for role in self.identity.roles.listing({"domain_id": ""})},
            projects={project.name: project.id for project in self.identity.projects.listing(default)},
            users={user.name: user.id for user in self.identity.users.listing(default)},
            services=services,
            passwords=self.passwords,
            created=tuple(self.created),
        )

    def _ensure(self, records: Records[T], key: dict[str, Any], values: Mapping[str, Any]) -> T:
        """The record with this key, made with these values when there is none."""
        found = records.listing(key)
        if found:
            return found[0]
        made = records.create({**key, **values})
        self.created.append(" ".join((records.repository.kind, str(key.get("name", made.id)))))
        return made

    def _first(self) -> None:
        domain = {"id": DEFAULT_DOMAIN_ID}
        self._ensure(self.identity.domains, domain, {"name": "Default", "description": "The default domain"})
        roles = {name: self._ensure(self.identity.roles, {"name": name, "domain_id": ""}, {}).id for name in ROLES}
        for prior, implied in pairwise(PERSONAS):
            self.identity.roles.imply(roles[prior], roles[implied])
        projects = {name: self._project(name, text) for name, text in PROJECTS.items()}
        users = {name: self._user(name, projects) for name in USERS}
        for assignment in _assignments(roles, projects, users):
            self.identity.assignments.grant(assignment)

    def _project(self, name: str, description: str) -> str:
        key = {"name": name, "domain_id": DEFAULT_DOMAIN_ID}
        return self._ensure(self.identity.projects, key, {"description": description}).id

    def _user(self, name: str, projects: Mapping[str, str]) -> str:
        key = {"name": name, "domain_id": DEFAULT_DOMAIN_ID}
        password = self.given_passwords.get(name) or secrets.token_urlsafe(18)
        values = {"password": password, "default_project_id": projects[USERS[name][0]]}
        found = self.identity.users.listing(key)
        if found:  # an earlier start was cut short, and maybe nobody got to know the password
            self.identity.users.update(found[0].id, values)
        else:
            self._ensure(self.identity.users, key, values)
        self.passwords[name] = password
        return self.identity.users.listing(key)[0].id

    def _catalog(self) -> dict[str, str]:
        self._ensure(self.identity.regions, {"id": REGION}, {})
        services = {}
        for type_, (name, description, path) in SERVICES.items():
            service = self._ensure(self.identity.services, {"type": type_}, {"name": name, "description": description})
            services[type_] = service.id
            for interface in INTERFACES:
                self._endpoint(service.id, interface, self.public_url + path)
        return services

    def _endpoint(self, service_id: str, interface: str, url: str) -> None:
        key = {"service_id": service_id, "interface": interface, "region_id": REGION}
        endpoint = self._ensure(self.identity.endpoints, key, {"url": url})
        if endpoint.url != url:
            self.identity.endpoints.update(endpoint.id, {"url": url})
            self.created.append(f"endpoint {endpoint.id}")


def _assignments(
    roles: Mapping[str, str], projects: Mapping[str, str], users: Mapping[str, str]
) -> Iterator[Assignment]:
    places = [(user, "project", projects[project], role) for user, (project, names) in USERS.items() for role in names]
    places += [("admin", "system", "all", "admin"), ("admin", "domain", DEFAULT_DOMAIN_ID, "admin")]
    for user, target_type, target_id, role in places:
        yield Assignment(
            actor_type="user",
            actor_id=users[user],
            target_type=target_type,
            target_id=target_id,
            role_id=roles[role],
        )
