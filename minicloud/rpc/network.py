# SPDX-License-Identifier: Apache-2.0
"""What compute and the API ask of the built-in network service."""

from __future__ import annotations

from typing import cast

from minicloud.context import RequestContext
from minicloud.objects import NetworkRequest, PortOwner, ResolvedNetworks, SecurityGroup, Vif
from minicloud.rpc.base import Stub


class NetworkStub(Stub):
    TOPIC = "network"
    VERSION = "1.0"

    def resolve(
        self,
        ctxt: RequestContext,
        requests: list[NetworkRequest],
        mode: str,
        security_groups: list[str],
        count: int,
    ) -> ResolvedNetworks:
        """Check what POST /servers asks for, for the caller's project.

        :param mode: "auto", "none", or "": what the requests say, and without any the project's only network
        :param security_groups: names or ids
        :raises RequestedNetworkNotFound, RequestedPortNotFound, RequestedSecurityGroupNotFound: 400
        :raises RequestedFixedIpInvalid, RequestedFixedIpInUse, NetworkRequiresSubnet, PortRequiresFixedIp: 400
        :raises ExternalNetworkAttachForbidden, PortLimitExceeded: 403
        :raises PortInUse, NetworkAmbiguous, NoUniqueMatch: 409
        """
        return cast(
            ResolvedNetworks,
            self.call(ctxt, "resolve", requests=requests, mode=mode, security_groups=security_groups, count=count),
        )

    def allocate(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        requests: list[NetworkRequest],
        security_groups: list[str],
    ) -> list[Vif]:
        """Plug a server in on a host; a repeated call finds what the first one made.

        :param security_groups: ids; none means the project's default group
        :returns: all ports of the server, in the order of the requests
        :raises NoMoreFixedIps, PortInUse: 409
        :raises RequestedFixedIpInUse, RequestedPortNotFound, RequestedNetworkNotFound: 400
        """
        return cast(
            list[Vif],
            self.call(
                ctxt,
                "allocate",
                owner=owner,
                requests=requests,
                security_groups=security_groups,
            ),
        )

    def deallocate(self, ctxt: RequestContext, instance_uuid: str, keep: list[str]) -> None:
        """Plug a server out: ports that compute made are deleted, the user's own are free again; idempotent.

        :param keep: ids of ports that are not to be deleted in any case
        """
        self.call(ctxt, "deallocate", instance_uuid=instance_uuid, keep=keep)

    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        """Server -> its ports with their fixed and floating addresses."""
        return cast(dict[str, list[Vif]], self.call(ctxt, "describe", instance_uuids=instance_uuids))

    def rebind(self, ctxt: RequestContext, instance_uuid: str, host: str) -> None:
        """A server is on another host now.

        :param host: empty: on none, while its ports stay its own
        """
        self.call(ctxt, "rebind", instance_uuid=instance_uuid, host=host)

    def attach(
        self,
        ctxt: RequestContext,
        owner: PortOwner,
        request: NetworkRequest,
        security_groups: list[str],
    ) -> Vif:
        """Plug a server in once more, also into a network where it is already.

        :raises NoMoreFixedIps, PortInUse, RequestedFixedIpInUse, RequestedPortNotFound: see :meth:`allocate`
        """
        return cast(
            Vif,
            self.call(
                ctxt,
                "attach",
                owner=owner,
                request=request,
                security_groups=security_groups,
            ),
        )

    def detach(self, ctxt: RequestContext, instance_uuid: str, port_id: str) -> None:
        """Plug out one port of a server: deleted or freed as by :meth:`deallocate`; idempotent."""
        self.call(ctxt, "detach", instance_uuid=instance_uuid, port_id=port_id)

    def add_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        """Let one more group guard all ports of a server; idempotent.

        :param group: name or id, among those of the caller's project
        :returns: all groups of the server afterwards, without their rules
        :raises SecurityGroupNotFound: 404
        :raises SecurityGroupCannotBeApplied: 400, when no port can have one
        :raises NoUniqueMatch: 409
        """
        return cast(
            list[SecurityGroup], self.call(ctxt, "add_security_group", instance_uuid=instance_uuid, group=group)
        )

    def remove_security_group(self, ctxt: RequestContext, instance_uuid: str, group: str) -> list[SecurityGroup]:
        """Take a group from all ports of a server.

        :returns: as by :meth:`add_security_group`
        :raises SecurityGroupNotFound: 404, also when it guards none of the ports
        :raises NoUniqueMatch: 409
        """
        return cast(
            list[SecurityGroup], self.call(ctxt, "remove_security_group", instance_uuid=instance_uuid, group=group)
        )

    def security_groups(self, ctxt: RequestContext, instance_uuid: str) -> list[SecurityGroup]:
        """The security groups of a server's ports, each once, by name."""
        return cast(list[SecurityGroup], self.call(ctxt, "security_groups", instance_uuid=instance_uuid))
