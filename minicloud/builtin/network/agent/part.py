# SPDX-License-Identifier: Apache-2.0
"""What a part of the agent is: one concern of a host's networks."""

from __future__ import annotations

import abc
from typing import ClassVar

from minicloud.objects.host_network import HostState


class Part(abc.ABC):
    """Brings one concern of a host from whatever it is to what it shall be.

    The agent calls the parts one after another in their order, never two at once and never one twice at once; each
    fails alone. A part looks at the host, compares and does what is missing; it keeps nothing that it cannot do
    without, since the process may be new and the host as the last one left it. What is right already is left alone:
    a pass that has nothing to do breaks no connection and is quick.
    """

    #: For the log and for the agent's report.
    name: ClassVar[str]
    #: Whether a guest must not start while the part fails: no port is reported up after a pass in which it did.
    guards: ClassVar[bool] = False

    @abc.abstractmethod
    def apply(self, state: HostState) -> None:
        """Make it so.

        :param state: the whole desired state; what is on the host by a name of ours, and not in it, goes
        :raises Exception: is logged and shown in the agent's report, and tried again with the next pass
        """

    @abc.abstractmethod
    def clean(self) -> None:
        """Remove all that the part ever made on this host, by its names, and nothing else; idempotent."""

    def statuses(self) -> dict[str, str]:
        """Router or floating address -> ACTIVE or ERROR, as the last pass left it; of the part that has them."""
        return {}

    def is_well(self) -> bool:
        """Whether all that the last pass started still runs; asked often, so it must be quick."""
        return True

    def stop(self) -> None:  # noqa: B027  # most parts have nothing in this process
        """The process ends; what the guests need stays. Threads and sockets of the part's own do not."""
