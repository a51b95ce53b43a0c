# SPDX-License-Identifier: Apache-2.0
"""What all checks look at: the cloud's databases, and the drivers of its hosts on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeVar

from oslo_config import cfg

from minicloud.cmd.commands.base import Refused
from minicloud.db.api import build_requests
from minicloud.db.cell import instances, moves
from minicloud.db.session import UNUSABLE, Connection, Database
from minicloud.objects import CellMapping, Instance
from minicloud.states import VM
from minicloud.virt import loader
from minicloud.virt.driver import ComputeDriver
from minicloud.virt.survey import SupportsSurvey, Survey, surveying

T = TypeVar("T")

#: vm_states of servers that have a guest and a claim. ERROR says nothing about either.
WITH_GUEST: Final = (VM.ACTIVE, VM.STOPPED, VM.PAUSED, VM.SUSPENDED, VM.RESCUED)


@dataclass
class Case:
    """One cloud, as seen from this machine."""

    conf: cfg.ConfigOpts
    #: The compute hosts on this machine.
    hosts: Sequence[str]
    api: Database
    cells: Sequence[tuple[CellMapping, Database]]
    #: None: networks are somebody else's.
    network: Database | None
    #: When the cloud that runs was started, in seconds since 1970; None: it does not run.
    started_at: float | None
    _drivers: dict[str, ComputeDriver] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        return self.started_at is not None

    @cached_property
    def begun_before(self) -> float:
        """What was begun before is nobody's who lives."""
        return time.time() if self.started_at is None else self.started_at

    # --- hosts -----------------------------------------------------------------------------

    def driver(self, host: str) -> ComputeDriver:
        """:raises ConfigurationError:"""
        if host not in self._drivers:
            self._drivers[host] = loader.load(self.conf, host)
        return self._drivers[host]

    def surveyor(self, host: str) -> SupportsSurvey:
        """
        :raises ConfigurationError:
        :raises NotSupported: when the driver cannot look from outside
        """
        return surveying(self.driver(host))

    def survey(self, host: str) -> Survey:
        """:raises ConfigurationError, VirtError, NotSupported:"""
        return self.surveyor(host).survey(self.begun_before)

    def close(self) -> None:
        for driver in self._drivers.values():
            driver.cleanup_host()

    # --- records ---------------------------------------------------------------------------

    def ask(self, read: Callable[[Connection], T]) -> list[tuple[Database, T]]:
        """What every cell says.

        :raises Refused: when one cannot be asked: its servers must not be taken for gone
        """
        answers = []
        for cell, db in self.cells:
            try:
                with db.reader() as conn:
                    answers.append((db, read(conn)))
            except UNUSABLE as error:
                raise Refused(
                    f"The database of cell {cell.name} cannot be asked, and without it nobody knows which servers "
                    f"there are: {error}"
                ) from None
        return answers

    def fates(self, uuids: Iterable[str]) -> dict[str, bool]:
        """Server -> whether it is deleted, of those that the cloud has ever had; a build request is one."""
        wanted = sorted(set(uuids))
        with self.api.reader() as conn:
            waiting = {one.instance.uuid for one in build_requests.find(conn)}
        found = {uuid: False for uuid in wanted if uuid in waiting}
        for _, fates in self.ask(lambda conn: instances.fates(conn, wanted)):
            for uuid, is_deleted in fates.items():
                # One that was moved to another cell is deleted in the first.
                found[uuid] = found.get(uuid, True) and is_deleted
        return found

    def on_host(self, host: str) -> list[tuple[Database, Instance]]:
        """The servers of a host, each with its cell's database."""
        found = self.ask(lambda conn: instances.on_host(conn, host))
        return [(db, instance) for db, several in found for instance in several]

    def wanted_on(self, host: str) -> set[str]:
        """The servers whose guests a host may have: its own, and those on their way from or to it."""
        found = self.ask(lambda conn: {move.instance_uuid for move in moves.open_at(conn, host)})
        moving = {uuid for _, several in found for uuid in several}
        return moving | {instance.uuid for _, instance in self.on_host(host)}

    def is_moving(self, db: Database, instance: Instance) -> bool:
        """Whether something is going on with a server, so that nothing can be said about it."""
        if instance.task_state is not None:
            return True
        with db.reader() as conn:
            return moves.open_of(conn, instance.uuid) is not None
