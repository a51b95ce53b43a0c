# SPDX-License-Identifier: Apache-2.0
"""What filters and weighers are asked about: one request for one or more equal servers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from minicloud.objects import RequestSpec, ServerGroup
from minicloud.placement import resources


@dataclass(slots=True)
class Request:
    """A request spec with what is worked out from it once."""

    spec: RequestSpec
    now: datetime
    group: ServerGroup | None = None
    #: Host -> members of the group that are there, those chosen just now included.
    group_hosts: Counter[str] = field(default_factory=Counter)
    #: Only hosts of this cell, when the server has a cell already.
    cell_uuid: str | None = None
    #: Filters are not asked: an operator has chosen.
    is_forced: bool = False
    wanted: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.wanted = resources.of_flavor(self.spec.flavor)

    def hint(self, name: str) -> list[str]:
        """A hint that is one uuid or a list of them; anything else counts as absent."""
        given = self.spec.scheduler_hints.get(name)
        values = given if isinstance(given, (list, tuple)) else [given]
        return [value for value in values if isinstance(value, str) and value]

    @property
    def policy(self) -> str:
        return self.group.policy if self.group is not None else ""
