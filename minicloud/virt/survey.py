# SPDX-License-Identifier: Apache-2.0
"""The role of drivers whose host can be looked at, and cleared, by a program that is not the service.

Such a program does not call ``init_host``, which is the service's: it may run at the same time.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from minicloud import exception
from minicloud.objects import Flavor, Instance
from minicloud.states import VM, Power
from minicloud.virt.driver import ComputeDriver, Order

_NO_FLAVOR = Flavor(flavorid="", name="", vcpus=0, memory_mb=0, root_gb=0)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a host has."""

    #: Every guest of ours, by its instance's uuid.
    guests: Mapping[str, Power]
    #: Instance's uuid -> the folder with its disks or files, of those that are this host's.
    folders: Mapping[str, Path] = field(default_factory=dict)
    #: Images that were begun to be fetched or made and that nobody goes on with, as :meth:`SupportsSurvey.discard`
    #: takes them.
    unfinished: tuple[str, ...] = ()


class SupportsSurvey(ABC):
    """The host can be looked at from outside of the service."""

    #: Whether guests may be destroyed by another process while the service runs.
    IS_SHARED: ClassVar[bool] = True

    @abstractmethod
    def survey(self, begun_before: float) -> Survey:
        """Look, and change nothing.

        :param begun_before: in seconds since 1970; whose work began later may be at it still
        :raises ConfigurationError, VirtError: when the hypervisor does not answer
        """

    @abstractmethod
    def discard(self, unfinished: str) -> None:
        """Remove something that :meth:`survey` has found unfinished; nothing when it is gone.

        :raises VirtError: when somebody goes on with it after all
        """

    @abstractmethod
    def clear(self) -> list[str]:
        """Remove all guests of the host, with all that is kept for them on this machine; idempotent.

        :returns: what could not be removed, and why
        :raises ConfigurationError, VirtError: when the hypervisor does not answer
        """


def surveying(driver: ComputeDriver) -> SupportsSurvey:
    """:raises NotSupported:"""
    if not isinstance(driver, SupportsSurvey):
        raise exception.NotSupported(what="looking at a host from outside")
    return driver


def farewell(uuid: str) -> Order:
    """What destroys a guest of whose server nothing is known but its uuid."""
    gone = Instance(uuid=uuid, project_id="", user_id="", display_name="", vm_state=VM.DELETED, flavor=_NO_FLAVOR)
    return Order(gone, threading.Event())


def is_uuid(name: str) -> bool:
    """Whether a name is an instance's, and no other file's."""
    return len(name) == 36 and name.count("-") == 4 and set(name) <= set("0123456789abcdef-")
