# SPDX-License-Identifier: Apache-2.0
"""What the daemon tells of containers, from a thread that listens while the host runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from docker import errors
from oslo_log import log as logging

from minicloud import exception
from minicloud.virt.docker.daemon import Daemon, why
from minicloud.virt.docker.guests import INSTANCE, Guests
from minicloud.virt.docker.network.wiring import Wiring

LOG = logging.getLogger(__name__)

#: After which a guest is another than before, as far as anybody looks at it.
_TOLD = ["start", "die", "pause", "unpause", "destroy"]

#: Seconds between two tries to reach a daemon that is away.
_PATIENCE = 2.0


class Events:
    """Listens, plugs in what was started by others, and passes on what happened."""

    def __init__(self, daemon: Daemon, guests: Guests, wiring: Wiring) -> None:
        self._daemon = daemon
        self._guests = guests
        self._wiring = wiring
        self._changed: Callable[[str], None] = lambda _instance_uuid: None
        self._stopping = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            with suppress(errors.DockerException, OSError):
                stream.close()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def tell(self, changed: Callable[[str], None]) -> None:
        """
        :param changed: called with a guest's id, from the listening thread
        """
        self._changed = changed

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (errors.DockerException, exception.VirtError, OSError, ValueError, AttributeError) as error:
                # The last two: the SDK's words for a stream that was closed under it.
                if not self._stopping.is_set():
                    LOG.warning("The Docker daemon tells nothing for now: %s", why(error))
            self._stopping.wait(_PATIENCE)

    def _listen(self) -> None:
        api = self._daemon.api
        filters = {"type": "container", "event": _TOLD, "label": self._guests.wanted}
        self._stream = api.events(decode=True, filters=filters)
        if self._stopping.is_set():
            self._stream.close()  # whoever stops it had none to close
            return
        # What happened while nobody listened is not told.
        for uuid in self._guests.powers():
            self._handle(uuid, "start")
        for event in self._stream:
            if self._stopping.is_set():
                return
            found = event.get("Actor", {}).get("Attributes", {})
            if self._guests.is_ours(found.get("name", ""), found):
                self._handle(found[INSTANCE], str(event.get("Action")))

    def _handle(self, instance_uuid: str, action: str) -> None:
        try:
            if action == "start":
                self._wiring.refresh(instance_uuid)
            self._changed(instance_uuid)
        except exception.GuestNotFound:
            pass
        except exception.MinicloudError as error:
            LOG.warning("Could not follow what Docker tells: %s [instance: %s]", error, instance_uuid)
        except Exception:
            # One guest's trouble must not make the host deaf to the others.
            LOG.exception("Could not follow what Docker tells [instance: %s]", instance_uuid)
