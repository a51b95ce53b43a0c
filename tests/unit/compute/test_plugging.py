# SPDX-License-Identifier: Apache-2.0
"""Builds wait for their ports to be up."""

from __future__ import annotations

import threading
from typing import Any

from minicloud.objects import Instance, NetworkRequest, ResourceEvent, Vif
from tests.unit.compute.suite import CellTest, FakeNetwork


class SlowNetwork(FakeNetwork):
    """Its ports are down until the test says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    @staticmethod
    def _port(request: NetworkRequest) -> Vif:
        return FakeNetwork._port(request).replace(active=False)

    def describe(self, ctxt: Any, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        self.asked.set()
        return super().describe(ctxt, instance_uuids)


class Plugging(CellTest):
    def setUp(self) -> None:
        super().setUp()
        self.network = SlowNetwork()

    def port(self, instance: Instance) -> str:
        self.wait_for(lambda: self.network.ports.get(instance.uuid))
        return self.network.ports[instance.uuid][0].port_id

    def come_up(self, instance: Instance) -> None:
        ports = self.network.ports
        ports[instance.uuid] = [vif.replace(active=True) for vif in ports[instance.uuid]]

    def plug(self, instance: Instance, port_id: str) -> None:
        event = ResourceEvent(name="network-vif-plugged", server_uuid=instance.uuid, tag=port_id)
        self.compute.external_events(self.ctxt, "h1", [event])

    def test_a_server_is_active_when_its_port_is(self) -> None:
        self.start_host()
        one = self.build()
        port = self.port(one)
        self.until(one, task_state="spawning")
        self.plug(one, "another-port")
        self.assertEqual("spawning", self.get(one).task_state)
        self.come_up(one)
        self.plug(one, port)
        found = self.until(one, vm_state="active", task_state=None)
        self.assertEqual([True], [vif.active for vif in found.network_info])

    def test_an_event_that_comes_early_counts(self) -> None:
        self.start_host()
        one = self.build(metadata={"fake:build_seconds": "0.5"})
        port = self.port(one)
        self.until(one, task_state="spawning")
        self.plug(one, port)
        self.until(one, vm_state="active", task_state=None)

    def test_without_an_event_the_build_fails_and_says_why(self) -> None:
        self.conf.set_override("vif_plugging_timeout", 1, group="compute")
        host = self.start_host()
        one = self.build()
        port = self.port(one)
        found = self.until(one, vm_state="error", task_state=None)
        assert found.fault is not None
        self.assertIn(port, found.fault.message)
        self.assertIn("network agent", found.fault.message)
        self.assertEqual({}, dict(host.host.driver.guests()))
        self.assertEqual({}, self.network.ports)

    def test_it_need_not_be_fatal(self) -> None:
        self.conf.set_override("vif_plugging_timeout", 1, group="compute")
        self.conf.set_override("vif_plugging_is_fatal", False, group="compute")
        self.start_host()
        found = self.until(self.build(), vm_state="active", task_state=None)
        self.assertEqual([False], [vif.active for vif in found.network_info])

    def test_a_lost_event_is_made_up_for(self) -> None:
        self.start_host()
        one = self.build()
        self.port(one)
        self.until(one, task_state="spawning")
        self.come_up(one)
        self.until(one, vm_state="active", task_state=None)
        self.assertTrue(self.network.asked.is_set())

    def test_a_delete_does_not_wait(self) -> None:
        host = self.start_host()
        one = self.build()
        self.port(one)
        self.until(one, task_state="spawning")
        self.delete(one)
        self.until(one, deleted=True)
        self.assert_nothing_left(one, [host])
