# SPDX-License-Identifier: Apache-2.0
"""What compute and the API may ask by RPC; the counterpart of :mod:`minicloud.rpc.network`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import oslo_messaging as messaging

from minicloud import exception as errors
from minicloud.builtin.network import exception
from minicloud.builtin.network.manager.core import Core
from minicloud.builtin.network.manager.resolve import Resolver
from minicloud.builtin.network.manager.servers import ServerPorts
from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, PortOwner, ResolvedNetworks, SecurityGroup, Vif
from minicloud.rpc.base import expected
from minicloud.rpc.network import NetworkStub

_ANSWERS = expected(errors.MinicloudError)


@contextmanager
def _translated() -> Iterator[None]:
    """This service's own errors do not travel; compute knows them by other names."""
    try:
        yield
    except exception.IpAddressGenerationFailure as error:
        raise errors.NoMoreFixedIps(**error.details) from None
    except exception.IpAddressAlreadyAllocated as error:
        raise errors.RequestedFixedIpInUse(address=error.details["address"]) from None
    except exception.InvalidIpForNetwork as error:
        raise errors.BadRequest(error.message) from None


class NetworkEndpoint:
    """The endpoint on topic ``network``."""

    target = messaging.Target(version="1.0")
    STUB = NetworkStub

    def __init__(self, core: Core) -> None:
        self._resolver = Resolver(core)
        self._ports = ServerPorts(core)

    @_ANSWERS
    def resolve(
        self,
        ctxt: RequestContext,
        requests: list[NetworkRequest],
        mode: str,
        security_groups: list[str],
        count: int,
    ) -> ResolvedNetworks:
        return self._resolver.resolve(ctxt, requests, mode, security_groups, count)

    @_ANSWERS
    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]:
        with _translated():
            return self._ports.allocate(ctxt, owner, requests, security_groups)

    @_ANSWERS
    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        self._ports.release(ctxt, instance_uuid, keep)

    @_ANSWERS
    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        return self._ports.describe(ctxt, instance_uuids)

    @_ANSWERS
    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None:
        self._ports.rebind(ctxt, instance_uuid, host)

    @_ANSWERS
    def attach(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        request: NetworkRequest,
        security_groups: list[str],
    ) -> Vif:
        with _translated():
            return self._ports.attach(ctxt, owner, request, security_groups)

    @_ANSWERS
    def detach(self, ctxt: RequestContext, instance_uuid: str, port_id: str) -> None:
        self._ports.release(ctxt, instance_uuid, [], only=port_id)

    @_ANSWERS
    def add_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        return self._ports.add_security_group(ctxt, instance_uuid, group)

    @_ANSWERS
    def remove_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        return self._ports.remove_security_group(ctxt, instance_uuid, group)

    @_ANSWERS
    def security_groups(self, ctxt: RequestContext, instance_uuid: str) -> list[SecurityGroup]:
        return self._ports.security_groups(ctxt, instance_uuid)
