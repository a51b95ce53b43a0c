# SPDX-License-Identifier: Apache-2.0
"""Hosts wait for a conductor that is away, and nothing is lost or done twice."""

from __future__ import annotations

import threading
from typing import Any

from minicloud.compute.host import Neighbours
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.rpc.base import NoAnswer
from minicloud.rpc.conductor import ConductorStub
from minicloud.rpc.scheduler import SchedulerStub
from tests.unit.compute.suite import CellTest


class LosesAnswers(ConductorStub):
    """Every update is done, and the first answer to each is lost."""

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self.lost: list[Any] = []

    def update_instance(self, ctxt: RequestContext, update: InstanceUpdate) -> Instance:
        after = super().update_instance(ctxt, update)
        if update not in self.lost:
            self.lost.append(update)
            raise NoAnswer(method="update_instance", topic="conductor", seconds=1)
        return after


class Away(CellTest):
    def test_a_conductor_that_restarts(self) -> None:
        self.conf.set_override("rpc_response_timeout", 1)
        host = self.start_host()
        one = self.build(metadata={"fake:build_seconds": "0.3"})
        self.until(one, task_state="spawning")
        self.conductor.stop()
        self.wait_for(lambda: host.host.driver.guests())
        self.start_conductor()
        self.until(one, vm_state="active", task_state=None)
        two = self.built()
        self.conductor.stop()
        self.delete(two)
        self.start_conductor()
        self.until(two, deleted=True)
        self.assert_nothing_left(two, [host])

    def test_answers_that_are_lost(self) -> None:
        conductor = LosesAnswers(self.transport)
        neighbours = Neighbours(conductor, SchedulerStub(self.transport), self.network)
        host = self.start_host(neighbours=neighbours)
        one = self.built()
        # Before the host has heard that it is done, the user goes on.
        self.compute.stop_instance(self.act(one, "stop", "powering-off"), "h1", one)
        one = self.until(one, vm_state="stopped", task_state=None)
        self.assertEqual([one.uuid], list(host.host.driver.guests()))
        self.wait_for(lambda: len(conductor.lost) == 5)
        self.assertEqual(["Success"], [event.result for event in self.action(one).events])
        self.delete(one)
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])

    def test_a_host_starts_before_its_conductor(self) -> None:
        self.conf.set_override("rpc_response_timeout", 1)
        self.conductor.stop()
        starting = threading.Timer(0.5, self.start_conductor)
        starting.start()
        self.start_host()
        starting.join()
        self.until(self.build(), vm_state="active")
