# SPDX-License-Identifier: Apache-2.0
"""What a task is and what it works with."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import exception
from minicloud.cells import Cells
from minicloud.db.api import placement as placement_db
from minicloud.db.api import server_groups
from minicloud.db.session import Database
from minicloud.objects import RequestSpec
from minicloud.scheduler.arrival import Arrival
from minicloud.scheduler.host_view import HostView
from minicloud.scheduler.request import Request
from minicloud.scheduler.selection import Selector
from minicloud.web.moments import now

#: The event of a server's action that covers the choice of its host.
EVENT = "scheduler_select_host"

LOG = logging.getLogger(__name__)

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Environment:
    """What one scheduler has: databases, cells, the hosts in memory, filters and weighers."""

    conf: cfg.ConfigOpts
    api_db: Database
    cells: Cells
    view: HostView
    selector: Selector
    #: Name of this scheduler in events.
    name: str = socket.gethostname()
    #: None: hosts are there already.
    arrival: Arrival | None = None

    def request(self, spec: RequestSpec, cell_uuid: str | None = None, without: tuple[str, ...] = ()) -> Request:
        """What filters are asked.

        :param without: members of the server group that do not count: those to be placed
        """
        request = Request(spec, now(), cell_uuid=cell_uuid)
        if spec.server_group:
            with self.api_db.reader() as conn:
                try:
                    request.group = server_groups.get(conn, spec.server_group)
                except exception.ServerGroupNotFound:
                    return request  # deleted since; its policy holds no more
                request.group_hosts = placement_db.group_hosts(conn, spec.server_group, without)
        return request


class Over(Exception):
    """Nothing is left to do: somebody else did it, or the server is gone. Not an error."""


class Task(ABC):
    """Steps in order; when one fails, what was done is undone in reverse.

    A kill between any two steps must leave something that :mod:`minicloud.scheduler.recovery` finishes.
    """

    def __init__(self, env: Environment) -> None:
        self.env = env

    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """In the order in which they must happen."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo what was done, in reverse; must not assume that all of it was."""

    def execute(self) -> None:
        try:
            for step in self.steps():
                step()
        except Over as end:
            LOG.info("%s", end)
        except Exception:
            self.rollback()
            raise
