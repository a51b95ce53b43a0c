# SPDX-License-Identifier: Apache-2.0
"""How compute and the API reach the network service."""

from __future__ import annotations

import abc

from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, PortOwner, ResolvedNetworks, SecurityGroup, Vif
from minicloud.rpc.network import NetworkStub


class NetworkClient(abc.ABC):
    """The seam; :class:`minicloud.rpc.network.NetworkStub` says what each verb promises and raises."""

    @abc.abstractmethod
    def resolve(
        self,
        ctxt: RequestContext,
        requests: list[NetworkRequest],
        mode: str,
        security_groups: list[str],
        count: int,
    ) -> ResolvedNetworks:
        """Check what POST /servers asks for, for the caller's project."""

    @abc.abstractmethod
    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]:
        """Plug a server in on a host; idempotent."""

    @abc.abstractmethod
    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        """Plug a server out; idempotent."""

    @abc.abstractmethod
    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        """Server -> its ports."""

    @abc.abstractmethod
    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None:
        """A server is on another host now, or with an empty ``host`` on none."""

    @abc.abstractmethod
    def attach(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        request: NetworkRequest,
        security_groups: list[str],
    ) -> Vif:
        """Plug a server in once more."""

    @abc.abstractmethod
    def detach(self, ctxt: RequestContext, instance_uuid: str, port_id: str) -> None:
        """Plug out one port of a server; idempotent."""

    @abc.abstractmethod
    def add_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        """Let one more group guard a server; its groups afterwards."""

    @abc.abstractmethod
    def remove_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        """Let a group guard a server no more; its groups afterwards."""

    @abc.abstractmethod
    def security_groups(self, ctxt: RequestContext, instance_uuid: str) -> list[SecurityGroup]:
        """The security groups of a server's ports."""


class BuiltinNetwork(NetworkStub, NetworkClient):
    """minicloud's own network service, by RPC."""
