# SPDX-License-Identifier: Apache-2.0
"""Ports that a server gets and loses while it runs."""

from __future__ import annotations

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.db.cell import actions
from minicloud.objects import Instance, NetworkRequest, PortOwner, Vif
from minicloud.virt.fake import FakeDriver
from minicloud.web.moments import now
from tests.unit.compute.suite import CellTest


class Interfaces(CellTest):
    def act_on(self, one: Instance, action: str) -> RequestContext:
        ctxt = RequestContext(user_id="u", project_id="p", request_id=f"req-{action}")
        with self.db.writer() as conn:
            actions.start(conn, ctxt, [one.uuid], action, now())
        return ctxt

    def attach(self, one: Instance) -> Vif:
        ctxt = self.act_on(one, "attach")
        return self.compute.attach_interface(ctxt, "h1", one, NetworkRequest(network_id="net"))

    def console(self, one: Instance) -> str:
        return self.compute.get_console_output(self.ctxt, "h1", one, None)

    def test_attached_and_detached(self) -> None:
        self.start_host()
        one = self.built()
        new = self.attach(one)
        self.assertIn(new, self.get(one).network_info)
        self.assertIn(new.mac_address, self.console(one))
        action = self.action(one, "req-attach")
        self.assertEqual(("compute_attach_interface", "Success"), (action.events[0].event, action.events[0].result))
        self.assertIsNotNone(action.finish_time)
        self.compute.detach_interface(self.act_on(one, "detach"), "h1", one, new.port_id)
        self.wait_for(lambda: self.action(one, "req-detach").finish_time)
        self.assertEqual(1, len(self.get(one).network_info))
        self.assertNotIn(new.mac_address, self.console(one))

    def test_a_guest_that_takes_none_loses_the_port(self) -> None:
        self.start_host()
        one = self.built(metadata={"fake:fail_action": "attach_interface, detach_interface"})
        self.assertRaises(exception.InterfaceAttachFailed, self.attach, one)
        self.assertEqual(1, len(self.network.ports[one.uuid]))
        self.assertEqual(("active", None), (self.get(one).vm_state, self.get(one).fault))
        self.assertEqual("Error", self.action(one, "req-attach").message)
        (vif,) = self.get(one).network_info
        self.compute.detach_interface(self.act_on(one, "detach"), "h1", one, vif.port_id)
        self.wait_for(lambda: self.action(one, "req-detach").finish_time)
        self.assertEqual((vif,), self.get(one).network_info)

    def test_no_port_is_left_when_the_network_refuses(self) -> None:
        self.start_host()
        one = self.built()
        self.network.error = exception.NoMoreFixedIps(network_id="net")
        self.assertRaises(exception.NoMoreFixedIps, self.attach, one)
        self.assertEqual("Error", self.action(one, "req-attach").message)

    def test_not_while_something_else_goes_on(self) -> None:
        self.start_host()
        one = self.built()
        self.act(one, "stop", "powering-off")
        self.assertRaises(exception.UnexpectedState, self.attach, one)
        self.assertEqual(1, len(self.network.ports[one.uuid]))

    def test_a_restart_ends_what_was_cut_short(self) -> None:
        host = self.start_host()
        one, two = self.built(), self.built()
        host.stop()
        new = self.network.attach(
            self.ctxt, PortOwner(project_id="p", uuid=one.uuid, hostname="", host="h1"), NetworkRequest(), []
        )
        self.network.detach(self.ctxt, two.uuid, self.get(two).network_info[0].port_id)
        self.act_on(one, "attach")
        again = self.start_host()
        self.until(two, network_info=())
        self.wait_for(lambda: new in self.get(one).network_info)
        driver = again.host.driver
        assert isinstance(driver, FakeDriver)
        self.assertIn(new.mac_address, driver.console_output(one))
        self.assertIn("no network interface", driver.console_output(two))
        self.wait_for(lambda: self.action(one, "req-attach").finish_time)
