# SPDX-License-Identifier: Apache-2.0
"""What every hypervisor driver does: the small core. What only some can do is in ``roles``.

A driver knows guests by the uuid of their instance and keeps that uuid with the guest, so
that guests are found again after a restart. Every verb is idempotent where it can be, and
long ones look at ``order.cancelled``: when it is set nobody wants their result any more.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from oslo_config import cfg

from minicloud import exception
from minicloud.objects import ComputeNode, Image, Instance, Vif
from minicloud.states import Power
from minicloud.virt.stages import Stages


class Cancelled(exception.MinicloudError):
    """A verb stopped half way because ``order.cancelled`` was set."""

    template = "Interrupted"


class SourceImage(Protocol):
    """An image with the right to read it; nothing is asked of the image service before it is looked at."""

    @property
    def id(self) -> str: ...

    @property
    def info(self) -> Image:
        """:raises ImageNotFound:"""

    def part(self, name: str) -> SourceImage | None:
        """Another image that this one names by a property, such as ``kernel_id``; None: it names none.

        :raises ImageNotFound: when this one is not there
        """

    def read(self) -> Iterator[bytes]:
        """The data in pieces, unchecked.

        :raises ImageNotFound:
        :raises ImageUnacceptable: when it has none
        """


@dataclass(frozen=True, slots=True)
class Order:
    """What every verb is given."""

    instance: Instance
    #: Set when the result is not wanted any more; a verb that waits then raises :class:`Cancelled`.
    cancelled: threading.Event


@dataclass(frozen=True, slots=True)
class SpawnOrder(Order):
    """What a guest is made from."""

    vifs: tuple[Vif, ...] = ()
    #: None: the guest has its disk already, or boots from a volume.
    image: SourceImage | None = None
    #: What the config drive holds, by path, such as ``openstack/latest/meta_data.json``; empty: there is none.
    #: Not shown where an order is, since a password may be in it.
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    #: 1 for the first host that is tried, counted over all hosts.
    attempt: int = 1
    #: build, or the verb for whose sake there is a new guest.
    purpose: str = "build"
    #: To be told how long the parts of it took: a driver has ``image``, ``disks``, ``define``, ``start``.
    stages: Stages = field(default_factory=Stages, compare=False, repr=False)


class ComputeDriver(ABC):
    """One host's hypervisor."""

    def __init__(self, conf: cfg.ConfigOpts, host: str) -> None:
        """
        :param host: name of the compute host, under which the driver keeps what it must keep
        """
        self.conf = conf
        self.host = host

    @abstractmethod
    def init_host(self) -> None:
        """Connect, and find the guests that are there already.

        :raises ConfigurationError: when this host cannot run guests
        """

    def cleanup_host(self) -> None:  # noqa: B027  # most have nothing to let go of
        """Let go of what :meth:`init_host` took; guests stay as they are."""

    def ailment(self) -> str | None:
        """Why this host can do nothing for its guests just now; None: it can. Answers within seconds."""
        return None

    def traces(self) -> set[str]:
        """Instances of which something is on this host, be it a guest or only what one would need.

        :raises HypervisorAway: also :meth:`guests`, and every verb
        """
        return set(self.guests())

    @abstractmethod
    def nodes(self) -> list[ComputeNode]:
        """What this host has; ``host``, ratios and reservations are the caller's to fill in."""

    @abstractmethod
    def guests(self) -> Mapping[str, Power]:
        """Every guest of ours on this host, by its instance's uuid."""

    @abstractmethod
    def power_state(self, instance_uuid: str) -> Power:
        """:raises GuestNotFound:"""

    @abstractmethod
    def spawn(self, order: SpawnOrder) -> None:
        """Make a guest and start it.

        :raises BuildFailed: another host may be tried
        :raises BuildAborted: no other host should be tried
        :raises Cancelled:
        """

    @abstractmethod
    def destroy(self, order: Order) -> None:
        """Remove a guest in any state with all it has here; nothing when there is none."""

    @abstractmethod
    def power_on(self, order: Order) -> None:
        """:raises GuestNotFound:"""

    @abstractmethod
    def power_off(self, order: Order) -> None:
        """:raises GuestNotFound:"""

    @abstractmethod
    def reboot(self, order: Order, *, hard: bool) -> None:
        """Start a guest again; hard: whatever its state is now.

        :raises GuestNotFound:
        """
