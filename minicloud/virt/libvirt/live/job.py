# SPDX-License-Identifier: Apache-2.0
"""One migration on its way: a blocking call of libvirt's, and one who watches it."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import MigrationProgress
from minicloud.states import Power
from minicloud.virt.driver import Cancelled
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import errors

LOG = logging.getLogger(__name__)

#: Seconds between two looks.
_PACE = 0.5

#: Seconds until an aborted job must be over.
_ABORT = 30.0

_ALWAYS = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_PEER2PEER
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
)

#: option -> flag
_WISHES = {
    "live_migration_tunnelled": libvirt.VIR_MIGRATE_TUNNELLED,
    "live_migration_with_native_tls": libvirt.VIR_MIGRATE_TLS,
    "live_migration_permit_auto_converge": libvirt.VIR_MIGRATE_AUTO_CONVERGE,
    "live_migration_permit_post_copy": libvirt.VIR_MIGRATE_POSTCOPY,
}

#: What libvirt says where there is no job, or can be none.
_JOB_OVER = (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_SUPPORT)

_GIB = 1024**3


def flags(options: Any, *, block: bool) -> int:
    """
    :param options: the group ``[libvirt]``
    """
    found: int = _ALWAYS
    for name, flag in _WISHES.items():
        if options[name]:
            found |= flag
    # libvirt distrusts shared files that are not on one of the network file systems that it knows; that both
    # hosts see the same files has been looked at.
    found |= libvirt.VIR_MIGRATE_NON_SHARED_DISK if block else libvirt.VIR_MIGRATE_UNSAFE
    return found


def parameters(options: Any, address: str, *, running: str, persistent: str) -> dict[str, Any]:
    """
    :param address: of the destination
    :param running: the definition there, of the guest as it runs
    :param persistent: and for its next start
    """
    found: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: running,
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: persistent,
    }
    if options.live_migration_bandwidth:
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = options.live_migration_bandwidth
    if not options.live_migration_tunnelled:
        found[libvirt.VIR_MIGRATE_PARAM_URI] = f"tcp://[{address}]" if ":" in address else f"tcp://{address}"
        if _is_number(address):
            # Not on the other addresses of the destination.
            found[libvirt.VIR_MIGRATE_PARAM_LISTEN_ADDRESS] = address
    return found


def _is_number(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


class Job:
    """Moves one guest."""

    def __init__(self, guest: Guest, uri: str, options: Any, flags: int, parameters: dict[str, Any]) -> None:
        """
        :param uri: the destination's libvirt, as this host's libvirt reaches it
        """
        self._guest = guest
        self._uri = uri
        self._options = options
        self._flags = flags
        self._parameters = parameters
        self._ended = threading.Event()
        self._error: libvirt.libvirtError | None = None
        self._why = ""

    def run(self, progress: Callable[[MigrationProgress], None], cancelled: threading.Event) -> None:
        """
        :raises Cancelled: the guest goes on here, as it does with the other
        :raises VirtError:
        """
        ran = self._guest.power() == Power.RUNNING
        began = time.monotonic()
        thread = threading.Thread(target=self._move, name=f"live-migration-{self._guest.uuid}", daemon=True)
        thread.start()
        is_told = False
        while not self._ended.wait(_PACE):
            is_told = is_told or self._tell_downtime()
            found = self._look(progress)
            if cancelled.is_set():
                abort(self._guest)
            elif found is not None and not self._why and time.monotonic() - began > self._limit(found):
                self._end_it()
        if self._error is None:
            return
        if ran:
            _go_on(self._guest)
        if cancelled.is_set():
            raise Cancelled() from self._error
        reason = errors.reason(self._error)
        raise exception.VirtError(reason=f"{self._why}: {reason}" if self._why else reason) from self._error

    def _move(self) -> None:
        try:
            self._guest.domain.migrateToURI3(self._uri, self._parameters, self._flags)
        except libvirt.libvirtError as error:
            self._error = error
        finally:
            self._ended.set()

    def _tell_downtime(self) -> bool:
        """Whether the job was there to be told."""
        try:
            self._guest.domain.migrateSetMaxDowntime(self._options.live_migration_downtime)
        except libvirt.libvirtError:
            return False
        return True

    def _look(self, progress: Callable[[MigrationProgress], None]) -> MigrationProgress | None:
        try:
            found = progress_of(self._guest.domain.jobStats())
        except libvirt.libvirtError:
            return None  # not begun, or over by now
        progress(found)
        return found

    def _limit(self, found: MigrationProgress) -> float:
        """Seconds: so many for each GiB, and for two at least; for ever without the option."""
        each = float(self._options.live_migration_completion_timeout)
        gib = (found.memory_total + found.disk_total) / _GIB
        return each * max(2.0, gib) if each else float("inf")

    def _end_it(self) -> None:
        """It takes too long."""
        self._why = "it took longer than live_migration_completion_timeout allows"
        LOG.warning("A live migration is ended: %s [instance: %s]", self._why, self._guest.uuid)
        if self._options.live_migration_timeout_action == "force_complete":
            force(self._guest, post_copy=bool(self._flags & libvirt.VIR_MIGRATE_POSTCOPY))
        else:
            abort(self._guest)


def progress_of(stats: dict[str, Any]) -> MigrationProgress:
    """
    :param stats: of libvirt's jobStats()
    """
    names = [f"{what}_{part}" for what in ("memory", "disk") for part in ("total", "processed", "remaining")]
    return MigrationProgress(**{name: int(stats.get(name, 0)) for name in names})


def abort(guest: Guest) -> None:
    """Nothing when there is nothing to abort, or no way back."""
    errors.tolerate(guest.domain.abortJob, *_JOB_OVER)


def abort_and_wait(guest: Guest, seconds: float = _ABORT) -> None:
    """Whoever looks afterwards where the guest is finds it in one place."""
    abort(guest)
    end = time.monotonic() + seconds
    with suppress(libvirt.libvirtError):  # it has gone
        while guest.domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE:
            if time.monotonic() > end:
                LOG.warning("A live migration does not end [instance: %s]", guest.uuid)
                return
            time.sleep(_PACE)


def force(guest: Guest, *, post_copy: bool) -> None:
    """Let it end soon: what runs there already needs no more memory from here, what pauses changes none."""
    if post_copy:
        with suppress(libvirt.libvirtError):  # not begun with it, or not far enough
            guest.domain.migrateStartPostCopy(0)
            return
    errors.tolerate(guest.domain.suspend, *_JOB_OVER)


def is_going_on(guest: Guest) -> bool:
    try:
        return bool(guest.domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE)
    except libvirt.libvirtError:
        return False


def _go_on(guest: Guest) -> None:
    """What was paused to be quicker, or in its last moment, runs again."""
    with suppress(libvirt.libvirtError):
        if guest.power() == Power.PAUSED:
            guest.domain.resume()
