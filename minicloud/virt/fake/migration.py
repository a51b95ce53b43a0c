# SPDX-License-Identifier: Apache-2.0
"""Live migration between fake hosts: a guest's entry goes from one store to the other, slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from minicloud import exception
from minicloud.objects import MigrationProgress, MigrationSource, MigrationTarget
from minicloud.states import Power
from minicloud.virt.driver import Cancelled, Order, SpawnOrder
from minicloud.virt.fake.driver import FakeHypervisor
from minicloud.virt.fake.store import Guest
from minicloud.virt.live import SupportsLiveMigration

#: Seconds between two reports.
_PACE = 0.1


@dataclass(slots=True)
class _Run:
    """One migration on its way from here."""

    aborted: threading.Event = field(default_factory=threading.Event)
    forced: threading.Event = field(default_factory=threading.Event)


class FakeLiveMigration(FakeHypervisor, SupportsLiveMigration):
    """A fake host whose guests can leave while they run.

    It takes as long as the verb ``live_migration`` does, and every method can be made to fail by its name.
    """

    def migration_source(self, order: Order) -> MigrationSource:
        guest = self._guest(order.instance.uuid)
        return MigrationSource(driver="fake", data={"guest": msgspec.json.encode(guest).decode()})

    def check_destination(self, order: Order, source: MigrationSource, *, block: bool | None) -> bool:
        if source.driver != "fake":
            raise exception.MigrationPreCheckError(reason=f"{source.driver} guests cannot come to a fake host")
        try:
            self._faults.action(order, "check_destination")
        except exception.VirtError as error:
            raise exception.MigrationPreCheckError(reason=str(error)) from None
        return block is not False

    def prepare_destination(self, order: SpawnOrder, source: MigrationSource) -> MigrationTarget:
        self._faults.action(order, "prepare_destination")
        guest = msgspec.json.decode(source.data["guest"], type=Guest)
        # As in a hypervisor that receives a guest, it is there and does not run.
        self._store.put(msgspec.structs.replace(guest, power=int(Power.PAUSED)))
        return MigrationTarget(address=f"fake://{self.host}")

    def live_migrate(
        self, order: Order, target: MigrationTarget, *, block: bool, progress: Callable[[MigrationProgress], None]
    ) -> None:
        guest = self._guest(order.instance.uuid)
        run = self._runs[guest.uuid] = _Run()
        disk_gb = order.instance.flavor.root_gb if block else 0
        try:
            self._copy(order, run, _sizes(guest, disk_gb), progress)
            self._faults.fail(order, "live_migration")
            self._store.remove(guest.uuid)
        finally:
            del self._runs[guest.uuid]

    def _copy(
        self, order: Order, run: _Run, sizes: tuple[int, int], progress: Callable[[MigrationProgress], None]
    ) -> None:
        seconds = self._faults.seconds(order, "live_migration")
        began = time.monotonic()
        done = 0.0
        while done < 1.0:
            elapsed = time.monotonic() - began
            done = 1.0 if run.forced.is_set() or seconds <= elapsed else elapsed / seconds
            progress(_progress(*sizes, done))
            if order.cancelled.is_set():
                raise Cancelled()
            if done < 1.0 and run.aborted.wait(min(_PACE, seconds)):
                raise exception.VirtError(reason="the migration was aborted")

    def finish_at_destination(self, order: SpawnOrder) -> None:
        guest = self._before(order, "finish_at_destination")
        power = order.instance.power_state or int(Power.RUNNING)
        self._store.put(msgspec.structs.replace(guest, power=power))

    def clean_source(self, order: Order) -> None:
        self._faults.action(order, "clean_source")
        self._store.remove(order.instance.uuid)

    def rollback_destination(self, order: Order) -> None:
        self._store.remove(order.instance.uuid)

    def abort_migration(self, order: Order) -> None:
        if run := self._runs.get(order.instance.uuid):
            run.aborted.set()

    def force_complete(self, order: Order) -> None:
        if run := self._runs.get(order.instance.uuid):
            run.forced.set()

    @property
    def _runs(self) -> dict[str, _Run]:
        runs: dict[str, _Run] = self.__dict__.setdefault("_migrations", {})
        return runs


def _sizes(guest: Guest, disk_gb: int) -> tuple[int, int]:
    """Bytes of memory and of disk."""
    return guest.memory_mb << 20, disk_gb << 30


def _progress(memory: int, disk: int, done: float) -> MigrationProgress:
    return MigrationProgress(
        memory_total=memory,
        memory_processed=int(memory * done),
        memory_remaining=memory - int(memory * done),
        disk_total=disk,
        disk_processed=int(disk * done),
        disk_remaining=disk - int(disk * done),
    )
