# SPDX-License-Identifier: Apache-2.0
"""What a filter is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from oslo_config import cfg

from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class HostFilter(ABC):
    """Says of one host whether it may carry a server, and why not.

    A filter keeps no state and is asked with the hosts locked: it must be quick and ask nobody.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf

    @property
    def name(self) -> str:
        return type(self).__name__

    @abstractmethod
    def refusal(self, host: HostState, request: Request) -> str | None:
        """Why this host may not, with the numbers; None when it may."""
