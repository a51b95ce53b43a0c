# SPDX-License-Identifier: Apache-2.0
"""What a weigher is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from oslo_config import cfg

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class HostWeigher(ABC):
    """Gives a host a number; after all hosts' numbers were brought to 0…1 they count ``multiplier`` times."""

    #: The option is ``[filter_scheduler] <OPTION>_weight_multiplier``.
    OPTION: ClassVar[str]

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.multiplier = float(conf.filter_scheduler[f"{self.OPTION}_weight_multiplier"])

    @abstractmethod
    def weigh(self, host: HostState, request: Request) -> float:
        """More is better when the multiplier is positive."""
