# SPDX-License-Identifier: Apache-2.0
"""What a network driver does."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar

from minicloud.builtin.network.entities import Port
from minicloud.context import RequestContext

#: Tells the agents on hosts that something is to be otherwise.
Announcer = Callable[[RequestContext], None]


def nobody(_ctxt: RequestContext) -> None:
    """The announcer of a network without agents."""


class NetworkDriver(abc.ABC):
    """Makes ports real; called after the books are committed, so it may be called again."""

    #: ``binding:vif_type`` of a bound port: how a hypervisor plugs it.
    vif_type: ClassVar[str] = "other"
    #: Status of a port that was bound just now.
    bound_status: ClassVar[str] = "ACTIVE"
    #: Kind of the networks that users make. If it is "vxlan", each gets an identifier of its own.
    network_type: ClassVar[str] = "geneve"
    #: Bytes of each packet that go to the tunnel's headers.
    overhead: ClassVar[int] = 0

    def __init__(self, announce: Announcer = nobody) -> None:
        self._announce = announce

    @abc.abstractmethod
    def plug(self, port: Port) -> None:
        """A port was bound to a host, or to another one; idempotent."""

    @abc.abstractmethod
    def unplug(self, port: Port) -> None:
        """A port is no longer bound, or is gone; idempotent."""

    def changed(self, ctxt: RequestContext) -> None:  # noqa: B027  # most drivers need not know
        """Anything in the books was changed, by whichever request."""
