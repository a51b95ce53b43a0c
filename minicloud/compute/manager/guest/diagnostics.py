# SPDX-License-Identifier: Apache-2.0
"""What a guest uses right now."""

from __future__ import annotations

from minicloud import exception
from minicloud.compute.manager.base import Endpoint
from minicloud.context import RequestContext
from minicloud.objects import Diagnostics, Instance
from minicloud.rpc.base import expected
from minicloud.rpc.compute import ComputeStub
from minicloud.virt import roles


class DiagnosticsEndpoint(Endpoint):
    STUB = ComputeStub

    @expected(exception.GuestNotFound, exception.NotSupported, exception.VirtError)
    def get_diagnostics(self, ctxt: RequestContext, instance: Instance) -> Diagnostics:
        """No lock: reading disturbs nobody."""
        return roles.diagnosing(self._host.driver).diagnostics(instance)
