# SPDX-License-Identifier: Apache-2.0
"""Keeping containers plugged in: each start gives a container a new network namespace, which has nothing in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from oslo_log import log as logging

from minicloud.objects import Vif
from minicloud.virt.docker.guests import Guests, process_of
from minicloud.virt.docker.network import links
from minicloud.virt.docker.network.addresses import routes
from minicloud.virt.docker.store import Store

LOG = logging.getLogger(__name__)

#: The type of a port that is plugged into a bridge of the host; others are plugged into nothing.
_BRIDGED = "bridge"


class Wiring:
    """The interfaces of one host's containers."""

    def __init__(self, guests: Guests, store: Store, *, metadata_on_link: bool) -> None:
        """
        :param metadata_on_link: see :func:`addresses.routes`
        """
        self._metadata_on_link = metadata_on_link
        self._guests = guests
        self._store = store
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def _alone(self, instance_uuid: str) -> Iterator[None]:
        """A verb and the daemon's word of what it did arrive at the same time."""
        with self._lock:
            lock = self._locks.setdefault(instance_uuid, threading.Lock())
        with lock:
            yield

    def refresh(self, instance_uuid: str, vifs: Sequence[Vif] = ()) -> None:
        """Plug a container into all its ports, if it runs; idempotent.

        :param vifs: what it is to be plugged into from now on; none: as before
        :raises GuestNotFound:
        :raises VirtError:
        """
        with self._alone(instance_uuid):
            if vifs and tuple(vifs) != self._store.vifs(instance_uuid):
                self._store.keep_vifs(instance_uuid, vifs)
            self._plug(instance_uuid)

    def add(self, instance_uuid: str, vif: Vif) -> None:
        """
        :raises GuestNotFound:
        :raises VirtError:
        """
        with self._alone(instance_uuid):
            self._guests.find(instance_uuid)
            others = [each for each in self._store.vifs(instance_uuid) if each.port_id != vif.port_id]
            self._store.keep_vifs(instance_uuid, [*others, vif])
            self._plug(instance_uuid)

    def remove(self, instance_uuid: str, vif: Vif) -> None:
        """
        :raises GuestNotFound:
        :raises VirtError:
        """
        with self._alone(instance_uuid):
            self._guests.find(instance_uuid)
            left = [each for each in self._store.vifs(instance_uuid) if each.port_id != vif.port_id]
            self._store.keep_vifs(instance_uuid, left)
            links.unplug(vif)

    def forget(self, instance_uuid: str, vifs: Sequence[Vif]) -> None:
        """After a container is gone: remove what may be left of its interfaces.

        :raises VirtError:
        """
        with self._alone(instance_uuid):
            for vif in {each.port_id: each for each in (*vifs, *self._store.vifs(instance_uuid))}.values():
                if vif.vif_type == _BRIDGED:
                    links.unplug(vif)
            self._store.forget(instance_uuid)
        with self._lock:
            self._locks.pop(instance_uuid, None)

    def _plug(self, instance_uuid: str) -> None:
        vifs = [vif for vif in self._store.vifs(instance_uuid) if vif.vif_type == _BRIDGED]
        pid = process_of(self._guests.find(instance_uuid)) if vifs else None
        if pid is None:
            return
        try:
            namespace = links.Namespace(pid)
        except OSError:
            return  # it has ended meanwhile
        with namespace:
            # The number may be another process's by now, and what was opened a stranger's.
            if process_of(self._guests.find(instance_uuid)) != pid:
                return
            for place, vif in enumerate(vifs):
                links.plug(vif, namespace, routes(vif, place, metadata_on_link=self._metadata_on_link))
                LOG.debug("Port %s is plugged in as %s [instance: %s]", vif.port_id, vif.devname, instance_uuid)
