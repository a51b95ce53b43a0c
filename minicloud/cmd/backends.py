# SPDX-License-Identifier: Apache-2.0
"""The databases and transports of one process, each opened when it is needed first."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from oslo_config import cfg

from minicloud.cmd.setup.cells import cell_transport_url
from minicloud.db.session import Database, open_database
from minicloud.rpc.base import get_transport, is_local


class Backends:
    """What keeps and what carries."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf

    @cached_property
    def api_db(self) -> Database:
        return open_database(self.conf, "api")

    @cached_property
    def cell_db(self) -> Database:
        return open_database(self.conf, "cell")

    @cached_property
    def identity_db(self) -> Database:
        return open_database(self.conf, "identity")

    @cached_property
    def network_db(self) -> Database:
        return open_database(self.conf, "network")

    @cached_property
    def transport(self) -> Any:
        """The top level's."""
        return get_transport(self.conf)

    @cached_property
    def cell_transport(self) -> Any:
        url = cell_transport_url(self.conf)
        return self.transport if url == self.conf.transport_url else get_transport(self.conf, url)

    @property
    def is_one_process(self) -> bool:
        return bool(is_local(self.transport))
