# SPDX-License-Identifier: Apache-2.0
"""A fake host seen from outside: its journal is all there is, and it lies in the state directory."""

from __future__ import annotations

from typing import ClassVar

from minicloud.states import Power
from minicloud.virt.fake.driver import FakeHypervisor
from minicloud.virt.survey import SupportsSurvey, Survey


class FakeSurvey(FakeHypervisor, SupportsSurvey):
    """The core and this."""

    #: The service keeps its guests in memory.
    IS_SHARED: ClassVar[bool] = False

    def survey(self, begun_before: float) -> Survey:
        self._store.look()
        return Survey({guest.uuid: Power(guest.power) for guest in self._store.all()})

    def discard(self, unfinished: str) -> None:
        """It fetches no images."""

    def clear(self) -> list[str]:
        """They go with the state directory."""
        return []
