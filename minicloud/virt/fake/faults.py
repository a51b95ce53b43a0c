# SPDX-License-Identifier: Apache-2.0
"""How a fake hypervisor is made slow and faulty, for everybody or for one server.

For everybody: the options of ``[fake]``. For one server, its metadata:

=========================  ==============================================================
``fake:build_seconds=N``   its build takes N seconds
``fake:fail_builds=N``     its first N builds fail, on whatever hosts; the next one works
``fake:fail_on_host=A,B``  its builds fail on these hosts
``fake:abort_build=yes``   its build fails in a way that no other host would do better
``fake:hang=VERB,…``       these verbs never end, until the server is deleted
``fake:fail_action=VERB``  these verbs fail (several with commas)
``fake:delay:VERB=N``      this verb takes N seconds
=========================  ==============================================================

Verbs: build, start, stop, reboot, pause, unpause, suspend, resume, rebuild, snapshot,
rescue, unrescue, set_admin_password, unshelve, evacuate,
migrate_out, finish_migration, revert_migration,
check_destination, prepare_destination, live_migration, finish_at_destination, clean_source,
attach_interface,
detach_interface, delete (which never hangs).
A value that is not a number where one is needed counts as absent.
"""

from __future__ import annotations

import math
import threading
from typing import Any

from oslo_log import log as logging

from minicloud import exception
from minicloud.virt.driver import Cancelled, Order, SpawnOrder

LOG = logging.getLogger(__name__)


class Faults:
    """What goes wrong on one fake host."""

    def __init__(self, options: Any, host: str) -> None:
        """
        :param options: the group ``[fake]``
        """
        self._options = options
        self._host = host
        self._lock = threading.Lock()
        self._builds_to_fail: int = options.fail_builds

    def build(self, order: SpawnOrder) -> None:
        """Called in the middle of every build.

        :raises BuildFailed:
        :raises BuildAborted:
        """
        metadata, uuid = order.instance.metadata, order.instance.uuid
        seconds = _number(metadata, "fake:build_seconds")
        self._delay(order, "build", self._options.build_delay if seconds is None else seconds)
        if metadata.get("fake:abort_build", "").lower() in ("yes", "true", "1"):
            raise exception.BuildAborted(instance_uuid=uuid, reason="fake:abort_build says so")
        if reason := self._why_build_fails(order):
            raise exception.BuildFailed(instance_uuid=uuid, reason=reason)

    def action(self, order: Order, verb: str) -> None:
        """Called before every verb but a build.

        :raises VirtError:
        """
        self._delay(order, verb, _number(self._options.delays, verb) or 0.0)
        self.fail(order, verb)

    def fail(self, order: Order, verb: str) -> None:
        """:raises VirtError: when the verb is one of those that do"""
        if verb in self._options.fail_actions:
            raise exception.VirtError(reason=f"[fake] fail_actions has {verb}")
        if verb in _names(order.instance.metadata, "fake:fail_action"):
            raise exception.VirtError(reason=f"fake:fail_action has {verb}")

    def seconds(self, order: Order, verb: str) -> float:
        """How long a verb takes that waits by itself; for ever when it hangs."""
        metadata = order.instance.metadata
        if verb in _names(metadata, "fake:hang"):
            return math.inf
        own = _number(metadata, f"fake:delay:{verb}")
        return (_number(self._options.delays, verb) or 0.0) if own is None else own

    def _why_build_fails(self, order: SpawnOrder) -> str | None:
        metadata = order.instance.metadata
        if "build" in _names(metadata, "fake:fail_action"):
            return "fake:fail_action has build"
        if order.attempt <= (_number(metadata, "fake:fail_builds") or 0):
            return f"fake:fail_builds is {metadata['fake:fail_builds']} and this is attempt {order.attempt}"
        if self._host in _names(metadata, "fake:fail_on_host"):
            return f"fake:fail_on_host has {self._host}"
        if self._host in self._options.fail_on_hosts:
            return f"[fake] fail_on_hosts has {self._host}"
        with self._lock:
            if self._builds_to_fail > 0:
                self._builds_to_fail -= 1
                return f"[fake] fail_builds is {self._options.fail_builds}"
        return None

    def _delay(self, order: Order, verb: str, seconds: float) -> None:
        metadata = order.instance.metadata
        if not metadata and not seconds:
            return
        own = _number(metadata, f"fake:delay:{verb}")
        seconds = seconds if own is None else own
        if verb != "delete" and verb in _names(metadata, "fake:hang"):
            LOG.info("%s hangs, as fake:hang says [instance: %s]", verb, order.instance.uuid)
            order.cancelled.wait()
            raise Cancelled()
        if seconds > 0 and order.cancelled.wait(min(seconds, threading.TIMEOUT_MAX)):
            raise Cancelled()


def _number(values: dict[str, str], key: str) -> float | None:
    try:
        number = float(values[key])
    except (KeyError, ValueError):
        return None
    return number if number >= 0 else None  # neither negative nor NaN


def _names(values: dict[str, str], key: str) -> list[str]:
    return [name.strip() for name in values.get(key, "").split(",") if name.strip()]
