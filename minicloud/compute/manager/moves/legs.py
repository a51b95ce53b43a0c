# SPDX-License-Identifier: Apache-2.0
"""How one host's part of a longer way begins, ends and is given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from oslo_log import log as logging

from minicloud.compute.host import Host
from minicloud.compute.manager.base import SUPERSEDED, is_unexpected
from minicloud.compute.orders import spawn_order
from minicloud.context import RequestContext
from minicloud.objects import Instance, InstanceUpdate
from minicloud.virt.driver import Cancelled, Order, SpawnOrder

LOG = logging.getLogger(__name__)


class Leg(NamedTuple):
    """One step as it is recorded."""

    event: str
    #: Task states in which it may begin.
    waits: tuple[str | None, ...]
    #: Task state while it runs.
    running: str | None
    vm_states: tuple[str, ...] | None = None


class Ride:
    """One leg that has begun."""

    def __init__(self, host: Host, ctxt: RequestContext, leg: Leg, order: Order) -> None:
        self.host = host
        self.ctxt = ctxt
        self.leg = leg
        self.order = order

    @property
    def instance(self) -> Instance:
        return self.order.instance

    def record(self, changes: dict[str, Any], **more: Any) -> Instance:
        """Record how the leg ended, if nobody was faster."""
        step = InstanceUpdate(
            uuid=self.instance.uuid,
            changes=changes,
            expected_task_states=(self.leg.running,),
            expected_vm_states=self.leg.vm_states,
            expected_host=self.instance.host,
            **{"finish_event": self.leg.event, **more},
        )
        return self.host.update_instance(self.ctxt, step)

    def spawn_order(self, instance: Instance, purpose: str, image_id: str | None = None) -> SpawnOrder:
        """With the ports as the network service knows them now."""
        found = self.host.network.describe(self.ctxt, [instance.uuid])
        vifs = tuple(found.get(instance.uuid, instance.network_info))
        order = Order(instance, self.order.cancelled)
        return spawn_order(self.host, self.ctxt, order, purpose=purpose, vifs=vifs, image_id=image_id)


@contextmanager
def leg(
    host: Host,
    ctxt: RequestContext,
    instance: Instance,
    row: Leg,
    give_up: Callable[[Ride, Exception], None],
    changes: Mapping[str, Any] | None = None,
) -> Iterator[Ride | None]:
    """Hold the lock and record the begin; what fails inside is given up.

    :param changes: fields of the instance that change as it begins
    :returns: None when the leg is not wanted any more
    """
    with host.locks.hold(instance.uuid, row.event) as cancelled:
        begin = InstanceUpdate(
            uuid=instance.uuid,
            changes={**({} if row.running is None else {"task_state": row.running}), **(changes or {})},
            expected_task_states=row.waits,
            expected_vm_states=row.vm_states,
            expected_host=instance.host,
            start_event=row.event,
        )
        try:
            current = host.update_instance(ctxt, begin)
        except SUPERSEDED as error:
            LOG.info("%s is not wanted any more: %s [instance: %s]", row.event, error, instance.uuid)
            yield None
            return
        ride = Ride(host, ctxt, row, Order(current, cancelled))
        try:
            yield ride
        except SUPERSEDED as error:
            LOG.info("%s is overtaken: %s [instance: %s]", row.event, error, instance.uuid)
        except Exception as error:
            if isinstance(error, Cancelled):
                return  # by a delete, or by the host's end: then the next start goes on
            LOG.warning("%s failed: %s [instance: %s]", row.event, error, instance.uuid, exc_info=is_unexpected(error))
            with suppress(*SUPERSEDED):
                give_up(ride, error)
