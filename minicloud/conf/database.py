# SPDX-License-Identifier: Apache-2.0
"""Where the databases are."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("database", title="Databases")


def _url(name: str, what: str) -> cfg.Opt:
    return cfg.StrOpt(
        name,
        secret=True,
        help=f"URL of the database of {what}. Empty: an SQLite file under [DEFAULT] state_dir. "
        f"Others: mysql+pymysql://user:password@host/{name}, postgresql+psycopg://user:password@host/{name}.",
    )


OPTS = [
    _url("api", "the API and the scheduler (flavors, keypairs, mappings, placement)"),
    _url("cell0", "servers that never got a host"),
    _url("cell", "the cell this conductor keeps (servers, services, compute nodes)"),
    _url("identity", "the built-in identity service"),
    _url("image", "the built-in image service"),
    _url("network", "the built-in network service"),
    cfg.IntOpt(
        "max_pool_size",
        default=6,
        min=1,
        help="Connections that one process keeps open to each database; under load it takes a few more for a while. "
        "A server must allow the sum over all processes: the API has seven databases with two cells, a scheduler four.",
    ),
]
