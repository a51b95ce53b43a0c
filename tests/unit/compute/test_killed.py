# SPDX-License-Identifier: Apache-2.0
"""A host that is killed at any step comes back and leaves no server stuck, no guest and no port behind."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator

from minicloud.db.cell import instances, moves
from minicloud.objects import Instance
from minicloud.states import Power
from minicloud.web.moments import now
from tests.unit.compute import victim
from tests.unit.compute.suite import CellTest, spec

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.unit.compute.victim"])


class Killed(CellTest):
    def killed(self, work: str, step: int, when: str, metadata: dict[str, str]) -> bool:
        """Whether the work has that many steps."""
        process = _processes.Process(target=victim.run, args=(str(self.folder), work, metadata, step, when))
        process.start()
        process.join(30)
        self.assertIn(process.exitcode, (0, -signal.SIGKILL), f"{work}, {when} step {step}")
        return process.exitcode != 0

    def each(
        self, work: str, metadata: dict[str, str] | None = None, names: tuple[str, ...] = ("h1",)
    ) -> Iterator[tuple[str, Instance]]:
        """Kill at each step, start the host again, and give the server that was worked on."""
        step, known = 1, set[str]()
        for step in range(1, 20):
            for when in ("before", "after") if step == 1 else ("after",):
                if not self.killed(work, step, when, metadata or {}):
                    self.assertGreater(step, 3, "too few steps were seen")
                    return
                with self.db.reader() as conn:
                    found = instances.load(conn, instances.everything())
                (one,) = [one for one in found if one.uuid not in known]
                known.add(one.uuid)
                self.network = victim.DiskNetwork(self.folder)
                hosts = [self.start_host(name) for name in names]
                self.recovered(one)
                yield f"{work}, killed {when} step {step}", one
                guests = [uuid for host in hosts for uuid in host.host.driver.guests()]
                self.assertEqual(sorted(self.network.ports), sorted(guests))
                for host in hosts:
                    host.stop()

    def ended(self, one: Instance, **expected: object) -> Instance:
        after = self.until(one, task_state=None, **expected)
        action = self.action(one)
        self.assertIsNotNone(action.finish_time)
        return after

    def recovered(self, one: Instance) -> None:
        self.wait_for(lambda: self.get(one).task_state in (None, "scheduling"))

    def send_again(self, one: Instance, attempts: int = 1) -> None:
        """What the scheduler's recovery does; it does no harm to who is ACTIVE."""
        self.compute.build_instance(self.ctxt, "h1", one, spec(attempts=attempts), [])

    def finish(self, one: Instance) -> None:
        """The user deletes it."""
        self.delete(one)
        self.until(one, deleted=True)
        self.assertNotIn(one.uuid, self.network.ports)

    def test_building(self) -> None:
        seen = set()
        for case, one in self.each("build"):
            seen.add(self.get(one).task_state)
            self.send_again(one)
            self.ended(one, vm_state="active")
            self.assertIn(one.uuid, self.network.ports, case)
            self.assertEqual("Success", self.action(one).events[-1].result, case)
            self.finish(one)
        self.assertEqual({None, "scheduling"}, seen)

    def test_handing_back(self) -> None:
        for case, one in self.each("build", {"fake:fail_builds": "1"}):
            self.assertEqual("scheduling", self.get(one).task_state, case)
            self.assertNotIn(one.uuid, self.network.ports, case)
            self.send_again(one, attempts=2)
            self.ended(one, vm_state="active")
            self.finish(one)

    def test_no_build_is_tried_for_ever(self) -> None:
        killed = 0
        one = self.new_instance()
        while self.get(one).task_state is not None:
            with self.db.writer() as conn:
                instances.update(conn, one.uuid, now(), task_state="spawning")
            host = self.start_host("h1")
            self.recovered(one)
            host.stop()
            killed += 1
        self.assertEqual((3, "error"), (killed, self.get(one).vm_state))
        self.assertIn("restarted during spawning", str(self.get(one).fault))
        self.assertEqual("Error", self.action(one).message)

    def test_deleting(self) -> None:
        for case, one in self.each("delete"):
            self.ended(one, deleted=True)
            self.assertEqual({}, self.network.ports, case)
            action = self.action(one, "req-delete")
            self.assertEqual((None, True), (action.message, action.finish_time is not None), case)

    def test_stopping(self) -> None:
        for case, one in self.each("stop"):
            after = self.ended(one, vm_state="stopped")
            self.assertEqual(Power.SHUTDOWN, after.power_state, case)
            action = self.action(one, "req-stop")
            self.assertEqual((None, True), (action.message, action.finish_time is not None), case)
            self.finish(one)

    def test_migrating(self) -> None:
        """Both hosts die: the server is where its guest is, the only one, and the migration says so."""
        seen = set()
        for case, one in self.each("live", names=("h1", "h2")):
            after = self.until(one, task_state=None, vm_state="active")
            with self.db.reader() as conn:
                (migration,) = moves.find(conn, instance_uuid=one.uuid)
            seen.add((after.host, migration.status))
            self.wait_for(lambda one=one: len(self.places(one)) == 1)  # type: ignore[misc]  # bound
            self.assertEqual([after.host], self.places(one), case)
            self.assertIsNotNone(self.action(one, "req-live-migration").finish_time, case)
            self.delete(self.get(one))
            self.until(one, deleted=True)
        self.assertEqual({("h1", "error"), ("h2", "completed")}, seen)

    def places(self, one: Instance) -> list[str]:
        return [name for name in ("h1", "h2") if self.compute.has_guest(self.ctxt, name, one)]
