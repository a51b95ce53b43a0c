# SPDX-License-Identifier: Apache-2.0
"""How far the fetching of an image is: for the log, and for whoever wants to show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Seconds between two lines of the log about one image.
_INTERVAL = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """Where the fetching of an image is; ``done`` and ``total`` are bytes."""

    #: ``waiting`` (another one fetches it), ``downloading`` or ``converting``.
    what: str
    done: int = 0
    #: None: not known.
    total: int | None = None


#: Called now and then, in the thread that fetches; what it raises ends the fetching.
Progress = Callable[[Step], None]


class Reporter:
    """Tells a callback everything and the log some of it."""

    def __init__(self, image_id: str, callback: Progress | None) -> None:
        self._image_id = image_id
        self._callback = callback
        self._next = time.monotonic() + _INTERVAL

    def __call__(self, step: Step) -> None:
        if self._callback is not None:
            self._callback(step)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _INTERVAL
            LOG.info("Image %s: %s, %s", self._image_id, step.what, _amount(step))


def _amount(step: Step) -> str:
    if step.total:
        return f"{step.done >> 20} of {step.total >> 20} MiB ({100 * step.done // step.total} %)"
    return f"{step.done >> 20} MiB"
