# SPDX-License-Identifier: Apache-2.0
"""Limits and what counts against them: read from rows each time, never kept as a counter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oslo_config import cfg

from minicloud import exception
from minicloud.conf.quota import RESOURCES
from minicloud.context import RequestContext
from minicloud.db.api import mappings, quotas
from minicloud.db.api.mappings import Usage
from minicloud.db.session import Connection

#: "As many as you like."
UNLIMITED: Final = -1

#: What servers use of a project; the others limit one server, one group or one user.
COUNTED: Final = ("instances", "cores", "ram")


def defaults(conf: cfg.ConfigOpts) -> dict[str, int]:
    """The limits of the configuration."""
    return {name: conf.quota[name] for name in RESOURCES}


def class_limits(conf: cfg.ConfigOpts, conn: Connection) -> dict[str, int]:
    """The defaults, with what was set for the default class over them."""
    return _known({**defaults(conf), **quotas.class_limits(conn)})


def project_limits(conf: cfg.ConfigOpts, conn: Connection, project_id: str) -> dict[str, int]:
    """What holds for a project as a whole."""
    return _known({**class_limits(conf, conn), **quotas.limits(conn, project_id)})


def user_limits(conf: cfg.ConfigOpts, conn: Connection, project_id: str, user_id: str) -> dict[str, int]:
    """What holds for one user in a project: the project's limits where the user has none."""
    return _known({**project_limits(conf, conn, project_id), **quotas.limits(conn, project_id, user_id)})


def _known(limits: Mapping[str, int]) -> dict[str, int]:
    return {name: limits[name] for name in RESOURCES}


def check_servers(conf: cfg.ConfigOpts, conn: Connection, ctxt: RequestContext, wanted: Usage) -> dict[str, int]:
    """Whether the caller's project (and the caller in it) may have so much more; its limits.

    Call it in the transaction that inserts what it counts: until that ends, nobody else
    counts.

    :param wanted: what would be added
    :raises QuotaExceeded: 403, with Nova's words
    """
    project, user = quotas.limits_of_both(conn, ctxt.project_id or "", ctxt.user_id or "")
    limits = _known({**class_limits(conf, conn), **project})
    quotas.serialize(conn)
    _check(limits, mappings.usage(conn, ctxt.project_id or ""), wanted)
    if own := {name: limit for name, limit in user.items() if name in COUNTED}:
        _check({**limits, **own}, mappings.usage(conn, ctxt.project_id or "", ctxt.user_id), wanted)
    return _known({**limits, **user})


def _check(limits: Mapping[str, int], used: Usage, wanted: Usage) -> None:
    over = [
        name
        for name in COUNTED
        if limits[name] != UNLIMITED
        and getattr(wanted, name)
        and getattr(used, name) + getattr(wanted, name) > limits[name]
    ]
    if not over:
        return

    def told(values: Mapping[str, int]) -> str:
        return ", ".join(str(values[name]) for name in over)

    raise exception.QuotaExceeded(
        resource=", ".join(over), requested=told(wanted._asdict()), used=told(used._asdict()), limit=told(limits)
    )


def check_metadata(limits: Mapping[str, int], count: int) -> None:
    """
    :raises QuotaExceeded: 403, when a server would have too many metadata items
    """
    limit = limits["metadata_items"]
    if limit not in (UNLIMITED,) and count > limit:
        raise exception.QuotaExceeded(f"Maximum number of metadata items exceeds {limit}")


def check_count(limits: Mapping[str, int], name: str, used: int, message: str) -> None:
    """
    :raises QuotaExceeded: 403, when no more of a resource fits beside those in use
    """
    if limits[name] != UNLIMITED and used >= limits[name]:
        raise exception.QuotaExceeded(message)
