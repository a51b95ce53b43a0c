# SPDX-License-Identifier: Apache-2.0
"""What a guest has written to its console, and where its consoles listen."""

from __future__ import annotations

from minicloud import exception
from minicloud.compute.manager.base import Endpoint
from minicloud.context import RequestContext
from minicloud.objects import ConsoleAddress, Instance
from minicloud.rpc.base import expected
from minicloud.rpc.compute import ComputeStub
from minicloud.virt import roles


class ConsoleEndpoint(Endpoint):
    STUB = ComputeStub

    @expected(exception.GuestNotFound, exception.HypervisorAway, exception.NotSupported)
    def get_console_output(self, ctxt: RequestContext, instance: Instance, length: int | None) -> str:
        """No lock: reading disturbs nobody.

        :param length: lines from the end; None or less than zero means all
        """
        text = roles.console(self._host.driver).console_output(instance)
        if length is None or length < 0:
            return text
        return "\n".join(text.split("\n")[-length:]) if length else ""

    @expected(
        exception.ConsoleNotAvailable,
        exception.ConsoleTypeUnavailable,
        exception.GuestNotFound,
        exception.HypervisorAway,
        exception.NotSupported,
    )
    def get_console(self, ctxt: RequestContext, instance: Instance, console_type: str) -> ConsoleAddress:
        """No lock: looking disturbs nobody, and what is found is asked for again before it is used."""
        conf, driver = self._host.conf, self._host.driver
        if console_type == "novnc" and conf.vnc.enabled:
            return roles.screens(driver).vnc_console(instance)
        if console_type == "serial" and conf.serial_console.enabled:
            return roles.serial_lines(driver).serial_console(instance)
        raise exception.ConsoleTypeUnavailable(console_type=console_type)
