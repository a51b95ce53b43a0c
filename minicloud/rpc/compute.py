# SPDX-License-Identifier: Apache-2.0
"""What a compute host can be asked; each method is identical in stub and endpoint."""

from __future__ import annotations

from typing import cast

from minicloud.context import RequestContext
from minicloud.objects import (
    ConsoleAddress,
    Diagnostics,
    HostChoice,
    Instance,
    NetworkRequest,
    RequestSpec,
    ResourceEvent,
    Vif,
)
from minicloud.rpc.base import given
from minicloud.rpc.compute_moves import MovesStub


class ComputeStub(MovesStub):
    """Casts and calls to ``minicloud-compute`` on one host of a cell."""

    TOPIC = "compute"
    VERSION = "1.0"

    def build_instance(
        self,
        ctxt: RequestContext,
        host: str,
        instance: Instance,
        spec: RequestSpec,
        alternates: list[HostChoice],
        admin_password: str | None = None,
    ) -> None:
        """Make a server that the scheduler claimed this host for; on failure hand back for an alternate.

        :param admin_password: for the guest; it is in messages only, and recorded nowhere
        """
        self.cast(
            ctxt,
            "build_instance",
            server=host,
            instance=instance,
            spec=spec,
            alternates=alternates,
            **given(admin_password=admin_password),
        )

    def delete_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "delete_instance", server=host, instance=instance)

    def start_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "start_instance", server=host, instance=instance)

    def stop_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "stop_instance", server=host, instance=instance)

    def reboot_instance(self, ctxt: RequestContext, host: str, instance: Instance, reboot_type: str) -> None:
        """:param reboot_type: SOFT or HARD"""
        self.cast(ctxt, "reboot_instance", server=host, instance=instance, reboot_type=reboot_type)

    def pause_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "pause_instance", server=host, instance=instance)

    def unpause_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "unpause_instance", server=host, instance=instance)

    def suspend_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "suspend_instance", server=host, instance=instance)

    def resume_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "resume_instance", server=host, instance=instance)

    def rebuild_instance(
        self, ctxt: RequestContext, host: str, instance: Instance, admin_password: str | None = None
    ) -> None:
        """Make the guest anew from what the instance's record says by now."""
        self.cast(ctxt, "rebuild_instance", server=host, instance=instance, **given(admin_password=admin_password))

    def snapshot_instance(self, ctxt: RequestContext, host: str, instance: Instance, image_id: str) -> None:
        """Give a queued image the guest's disk as its data."""
        self.cast(ctxt, "snapshot_instance", server=host, instance=instance, image_id=image_id)

    def backup_instance(
        self, ctxt: RequestContext, host: str, instance: Instance, image_id: str, backup_type: str, rotation: int
    ) -> None:
        """A snapshot, and no more than ``rotation`` of its type are kept."""
        self.cast(
            ctxt,
            "backup_instance",
            server=host,
            instance=instance,
            image_id=image_id,
            backup_type=backup_type,
            rotation=rotation,
        )

    def rescue_instance(
        self, ctxt: RequestContext, host: str, instance: Instance, admin_password: str | None = None
    ) -> None:
        self.cast(ctxt, "rescue_instance", server=host, instance=instance, **given(admin_password=admin_password))

    def unrescue_instance(self, ctxt: RequestContext, host: str, instance: Instance) -> None:
        self.cast(ctxt, "unrescue_instance", server=host, instance=instance)

    def set_admin_password(self, ctxt: RequestContext, host: str, instance: Instance, password: str) -> None:
        self.cast(ctxt, "set_admin_password", server=host, instance=instance, password=password)

    def get_console_output(self, ctxt: RequestContext, host: str, instance: Instance, length: int | None) -> str:
        """The last ``length`` lines of the guest's console (all when None)."""
        return cast(str, self.call(ctxt, "get_console_output", server=host, instance=instance, length=length))

    def get_console(self, ctxt: RequestContext, host: str, instance: Instance, console_type: str) -> ConsoleAddress:
        """Where a console of the guest listens now.

        :param console_type: what the user asked for: novnc, serial …
        :raises ConsoleTypeUnavailable: no driver has it, or it is switched off on that host
        :raises ConsoleNotAvailable: while the guest does not run
        :raises GuestNotFound:
        :raises NotSupported: the driver of that host has no such consoles
        """
        answer = self.call(ctxt, "get_console", server=host, instance=instance, console_type=console_type)
        return cast(ConsoleAddress, answer)

    def get_diagnostics(self, ctxt: RequestContext, host: str, instance: Instance) -> Diagnostics:
        """What the guest uses.

        :raises GuestNotFound, NotSupported, VirtError:
        """
        return cast(Diagnostics, self.call(ctxt, "get_diagnostics", server=host, instance=instance))

    def attach_interface(self, ctxt: RequestContext, host: str, instance: Instance, request: NetworkRequest) -> Vif:
        """Plug a server in once more.

        :raises UnexpectedState: when something else is going on by now
        :raises InterfaceAttachFailed, NotSupported: the guest took no further interface, and the port is gone again
        """
        return cast(Vif, self.call(ctxt, "attach_interface", server=host, instance=instance, request=request))

    def detach_interface(self, ctxt: RequestContext, host: str, instance: Instance, port_id: str) -> None:
        self.cast(ctxt, "detach_interface", server=host, instance=instance, port_id=port_id)

    def external_events(self, ctxt: RequestContext, host: str, events: list[ResourceEvent]) -> None:
        """What neighbours report of servers on this host: network-changed, network-vif-plugged …"""
        self.cast(ctxt, "external_events", server=host, events=events)
