# SPDX-License-Identifier: Apache-2.0
"""What endpoints have in common, and the records that failures leave."""

from __future__ import annotations

import traceback
from typing import Any

import oslo_messaging as messaging
from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.objects import Fault
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: What the conductor answers when a server is not any more what a step needs: somebody else was faster.
SUPERSEDED = (exception.UnexpectedState, exception.InstanceNotFound)


class Endpoint:
    """Base of the endpoint classes; each names as STUB whose methods it implements, for a test that compares them."""

    target = messaging.Target(version="1.0")

    def __init__(self, host: Host) -> None:
        self._host = host


def fault(error: Exception) -> Fault:
    """An error as users see it on their server; what is not ours stays general for them."""
    if isinstance(error, exception.MinicloudError):
        return Fault(code=error.code, message=error.message[:255], details=trace(error), created_at=now())
    return Fault(code=500, message=type(error).__name__, details=trace(error), created_at=now())


def trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def failed(event: str, error: Exception) -> dict[str, Any]:
    """The fields of an InstanceUpdate that end an event in error."""
    return {
        "finish_event": event,
        "event_result": "Error",
        "event_traceback": trace(error),
        "event_details": str(error),
    }


def is_unexpected(error: Exception) -> bool:
    """Whether the log should have its trace: errors of ours say enough."""
    return not isinstance(error, exception.MinicloudError)
