# SPDX-License-Identifier: Apache-2.0
"""The identity service as a WSGI application."""

from __future__ import annotations

from oslo_config import cfg

from minicloud.builtin.identity.api import routes
from minicloud.builtin.identity.service import Identity
from minicloud.db.session import Database
from minicloud.web import faults
from minicloud.web.app import FrontEnd, Wsgi, wrap
from minicloud.web.policy import Policy


def make_app(
    conf: cfg.ConfigOpts,
    db: Database,
    *,
    identity: Identity | None = None,
    auth_url: str = "",
    policy_file: str | None = None,
) -> Wsgi:
    """
    :param db: at the head of its migrations
    :param identity: the process's own, when it has one already; then ``db`` is not used
    :param auth_url: told in the WWW-Authenticate header of a 401, such as ``http://127.0.0.1:8080/identity``
    :param policy_file: an operator's rules; None: none
    """
    identity = identity or Identity(conf, db)
    policy = Policy(conf, routes.RULES, file=policy_file)
    return wrap(
        FrontEnd(routes.OPERATIONS, identity, policy, identity.authenticate, fault=faults.keystone, auth_url=auth_url)
    )
