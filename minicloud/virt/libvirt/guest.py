# SPDX-License-Identifier: Apache-2.0
"""Guests of this host, and the little that is done to each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from xml.etree.ElementTree import Element  # nosec B405  # a type only

import libvirt

from minicloud import exception
from minicloud.states import Power
from minicloud.virt.driver import Cancelled
from minicloud.virt.libvirt.host import errors
from minicloud.virt.libvirt.host.connection import Connection
from minicloud.virt.libvirt.xml.domain import NAMESPACE
from minicloud.virt.libvirt.xml.parse import parse, text_at

_POWER = {
    libvirt.VIR_DOMAIN_RUNNING: Power.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Power.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: Power.RUNNING,  # it shuts down, but has not yet
    libvirt.VIR_DOMAIN_SHUTOFF: Power.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: Power.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.SUSPENDED,
}

#: Seconds after which a guest is asked again to shut down: one that boots does not hear it.
_ASK_AGAIN = 10.0
_LOOK = 0.2

#: What goes with a domain; drivers that do not know all of it refuse all, so there are fewer to try next.
_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM,
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
    0,
)


class Guest:
    """A domain of ours."""

    def __init__(self, domain: libvirt.virDomain) -> None:
        self.domain = domain
        self.uuid: str = domain.UUIDString()

    @property
    def is_active(self) -> bool:
        return bool(self.domain.isActive())

    def power(self) -> Power:
        power = _POWER.get(self.domain.state()[0], Power.NOSTATE)
        if power == Power.SHUTDOWN and self.is_saved:
            return Power.SUSPENDED
        return power

    @property
    def is_saved(self) -> bool:
        with suppress(libvirt.libvirtError):  # a hypervisor that cannot save has saved nothing
            return bool(self.domain.hasManagedSaveImage())
        return False

    def xml(self, *, live: bool = False) -> str:
        """
        :param live: as it runs, if it does; else as it will be started
        """
        return str(self.domain.XMLDesc(0 if live else libvirt.VIR_DOMAIN_XML_INACTIVE))

    def definition(self, *, live: bool = False) -> Element:
        return parse(self.xml(live=live))

    def start(self) -> None:
        if not self.is_active:
            self.domain.create()

    def resume_or_start(self) -> None:
        state = self.domain.state()[0]
        if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
            self.domain.pMWakeup()
        elif state == libvirt.VIR_DOMAIN_PAUSED:
            self.domain.resume()
        else:
            self.start()

    def force_off(self) -> None:
        with suppress(libvirt.libvirtError):
            # Gives QEMU time to write what it holds.
            self.domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
        if self.is_active:
            errors.tolerate(self.domain.destroy, libvirt.VIR_ERR_OPERATION_INVALID)

    def shut_down(self, seconds: float, cancelled: threading.Event) -> None:
        """Ask the guest to end, and force it after a while.

        :raises Cancelled:
        """
        if self.domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING and seconds > 0:
            self._ask_to_end(seconds, cancelled)
        if self.is_active:
            self.force_off()

    def _ask_to_end(self, seconds: float, cancelled: threading.Event) -> None:
        waited = 0.0
        asked = -_ASK_AGAIN
        while waited < seconds and self.is_active:
            if waited - asked >= _ASK_AGAIN:
                asked = waited
                try:
                    self.domain.shutdown()
                except libvirt.libvirtError:
                    return  # it cannot be asked, or is off by now
            if not self.is_active:
                return
            if cancelled.wait(_LOOK):
                raise Cancelled()
            waited += _LOOK

    def undefine(self) -> None:
        for flags in _UNDEFINE:
            try:
                self.domain.undefineFlags(flags)
                return
            except libvirt.libvirtError as error:
                if errors.has_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                    return
                if flags == _UNDEFINE[-1]:
                    raise


class Guests:
    """All guests of one compute host; domains without its mark are none."""

    def __init__(self, connection: Connection, host: str, cloud: str) -> None:
        """
        :param cloud: id of the cloud, see :mod:`minicloud.virt.identity`
        """
        self._connection = connection
        self._whose = (host, cloud)
        #: uuids whose mark was seen: a domain keeps it for life.
        self._ours: set[str] = set()

    def find(self, uuid: str) -> Guest:
        """:raises GuestNotFound:"""
        try:
            domain = self._connection.call(lambda conn: conn.lookupByUUIDString(uuid))
        except libvirt.libvirtError as error:
            if errors.has_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                self._ours.discard(uuid)
                raise exception.GuestNotFound(instance_uuid=uuid) from error
            raise
        if not self._is_ours(domain, uuid):
            raise exception.GuestNotFound(instance_uuid=uuid)
        return Guest(domain)

    def seek(self, uuid: str) -> Guest | None:
        try:
            return self.find(uuid)
        except exception.GuestNotFound:
            return None

    def all(self) -> Iterator[Guest]:
        for domain in self._connection.call(lambda conn: conn.listAllDomains(0)):
            if self._is_ours(domain, domain.UUIDString()):
                yield Guest(domain)

    def is_known(self, uuid: str) -> bool:
        """Whether a guest is, or was lately, ours: cheap, for events."""
        return uuid in self._ours or self.seek(uuid) is not None

    def define(self, xml: str) -> Guest:
        """Make a domain, or change it for its next start.

        :raises VirtError: when somebody else's domain has its uuid
        """
        uuid = text_at(parse(xml), "uuid")
        if self.seek(uuid) is None and self.is_there(uuid):
            raise exception.VirtError(reason=f"a domain with the uuid {uuid} is there already, and not of this host's")
        return Guest(self._connection.call(lambda conn: conn.defineXML(xml)))

    def is_there(self, uuid: str) -> bool:
        """Whether a domain has it, be it ours or not."""
        try:
            self._connection.call(lambda conn: conn.lookupByUUIDString(uuid))
        except libvirt.libvirtError as error:
            if errors.has_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                return False
            raise
        return True

    def _is_ours(self, domain: libvirt.virDomain, uuid: str) -> bool:
        if uuid not in self._ours:
            try:
                mark = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
            except libvirt.libvirtError as error:
                # Whoever cannot be asked may be ours all the same.
                if errors.has_code(error, libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_DOMAIN):
                    return False
                raise
            found = parse(mark)
            if (found.get("host"), found.get("cloud")) != self._whose:
                return False
            self._ours.add(uuid)
        return True
