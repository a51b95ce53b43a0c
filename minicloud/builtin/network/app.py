# SPDX-License-Identifier: Apache-2.0
"""The network API as a WSGI application."""

from __future__ import annotations

from collections.abc import Callable

from oslo_config import cfg

from minicloud.builtin.network.api.routes import OPERATIONS, RULES
from minicloud.builtin.network.drivers.base import Announcer, nobody
from minicloud.builtin.network.drivers.loader import load_driver
from minicloud.builtin.network.manager.core import Core, Notifier
from minicloud.context import RequestContext
from minicloud.db.session import Database
from minicloud.web import faults
from minicloud.web.app import FrontEnd, Wsgi, wrap
from minicloud.web.policy import Policy


def make_app(
    conf: cfg.ConfigOpts,
    db: Database,
    authenticate: Callable[[str], RequestContext],
    notifier: Notifier,
    *,
    announce: Announcer = nobody,
    policy_file: str | None = None,
    auth_url: str = "",
) -> Wsgi:
    """
    :param db: the network database, migrated
    :param authenticate: token -> context; raises Unauthorized
    :param notifier: called after a change that concerns servers' ports
    :param announce: called after every change, for the agents on hosts
    :param policy_file: an operator's rules; None: none
    :param auth_url: told in the WWW-Authenticate header of a 401
    """
    core = Core(conf, db, notifier, load_driver(conf, announce))
    policy = Policy(conf, RULES, file=policy_file)
    return wrap(FrontEnd(OPERATIONS, core, policy, authenticate, fault=faults.neutron, auth_url=auth_url))
