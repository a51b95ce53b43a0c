# SPDX-License-Identifier: Apache-2.0
"""The identity service without HTTP: what the API's handlers and the neighbours call."""

from __future__ import annotations

from oslo_config import cfg

from minicloud.builtin.identity.manager.catalog import Catalog, Endpoints, Regions, Services
from minicloud.builtin.identity.manager.credentials import ApplicationCredentials, Credentials
from minicloud.builtin.identity.manager.projects import Domains, Projects
from minicloud.builtin.identity.manager.roles import Assignments, Roles
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.manager.tokens import Tokens
from minicloud.builtin.identity.manager.users import Groups, Users
from minicloud.context import RequestContext
from minicloud.db.session import Database


class Identity:
    """One identity service; safe to use from many threads.

    Make one per process and share it: what it remembers about tokens is forgotten at the
    changes made through it.
    """

    def __init__(self, conf: cfg.ConfigOpts, db: Database) -> None:
        """
        :param conf: reads ``[DEFAULT] state_dir`` and ``[identity]``
        :param db: at the head of its migrations
        """
        store = Store(conf, db)
        self.store = store
        self.tokens = Tokens(store)
        self.domains = Domains(store)
        self.projects = Projects(store)
        self.users = Users(store)
        self.groups = Groups(store)
        self.roles = Roles(store)
        self.assignments = Assignments(store)
        self.regions = Regions(store)
        self.services = Services(store)
        self.endpoints = Endpoints(store)
        self.catalog = Catalog(store)
        self.application_credentials = ApplicationCredentials(store)
        self.credentials = Credentials(store)

    def authenticate(self, token: str) -> RequestContext:
        """The context of a token's holder, as every front end asks for it.

        :raises Unauthorized: when the token is not valid
        """
        return self.tokens.context(token)
