# SPDX-License-Identifier: Apache-2.0
"""What the service knows of the servers that asked lately."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from oslo_log import log as logging

from minicloud import context, exception
from minicloud.api.deployment import Deployment
from minicloud.api.metadata.asker import Asker
from minicloud.guest_data import Facts, gather
from minicloud.objects import Instance, Vif

LOG = logging.getLogger(__name__)

#: Servers that are remembered at a time.
_MOST = 2000


class Known:
    """Facts by server; thread-safe."""

    def __init__(self, app: Deployment) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._facts: OrderedDict[str, tuple[float, Facts]] = OrderedDict()

    def facts(self, asker: Asker) -> Facts:
        """
        :raises InstanceNotFound: when there is no such server, or it is not the one that asks
        """
        found = self._remembered(asker.instance_id)
        if found is None:
            found = self._look_up(asker)
        asker.check(found.instance, found.vifs)
        return found

    def forget(self, instance_id: str) -> None:
        with self._lock:
            self._facts.pop(instance_id, None)

    def _remembered(self, instance_id: str) -> Facts | None:
        with self._lock:
            expires, facts = self._facts.get(instance_id, (0.0, None))
        return facts if time.monotonic() < expires else None

    def _look_up(self, asker: Asker) -> Facts:
        _, instance = self._app.cells.instance(context.admin(), asker.instance_id)
        vifs = self._vifs(instance)
        # Before others are asked for it: they need not hear of guesses.
        asker.check(instance, vifs)
        facts = gather(self._app.conf, instance, vifs)
        with self._lock:
            self._facts[instance.uuid] = (time.monotonic() + self._app.conf.metadata.cache_seconds, facts)
            self._facts.move_to_end(instance.uuid)
            while len(self._facts) > _MOST:
                self._facts.popitem(last=False)
        return facts

    def _vifs(self, instance: Instance) -> Sequence[Vif]:
        """As they are now; while the network service is away, as they were."""
        try:
            described = self._app.network.describe(context.admin(), [instance.uuid])
        except exception.ServiceUnavailable as error:
            LOG.warning("Ports may be outdated: %s [instance: %s]", error, instance.uuid)
            return instance.network_info
        return described.get(instance.uuid, instance.network_info)
