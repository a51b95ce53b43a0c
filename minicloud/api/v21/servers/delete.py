# SPDX-License-Identifier: Apache-2.0
"""DELETE /servers/{id}: from every state, while the host is down too, and as often as you like."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import hosts, lookup
from minicloud.cells import Cell
from minicloud.db.api import build_requests, mappings, server_groups
from minicloud.db.cell import actions, instances
from minicloud.objects import Instance
from minicloud.states import Task
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

#: Seconds after which a host that has not begun to delete is told again: the first message may not have left us.
HOST_BEGINS = 10.0

#: Where the system metadata has the id of the image that a server is shelved in.
SHELVED_IMAGE = "shelved_image_id"


def delete(call: ApiCall, server_id: str, found: lookup.Found) -> None:
    """Begin to delete a server; it no longer counts for the quota.

    :raises InstanceIsLocked: 409
    """
    lookup.check_lock(call, found.instance)
    if found.cell is None:
        if _forget_request(call, server_id):
            return
        # The scheduler was faster: it is in a cell by now.
        try:
            found = lookup.find(call, server_id)
        except exception.InstanceNotFound:
            return
    cell, instance = found.home, found.instance
    _forget_image(call, instance)
    if instance.host is None or not hosts.is_up(call, cell, instance.host):
        _delete_here(call, cell, instance)
    else:
        _delete_there(call, cell, instance, instance.host)


def _forget_request(call: ApiCall, server_id: str) -> bool:
    """Take the build request away, so that the scheduler stops; False when it had been taken."""
    with call.app.api_db.writer() as conn:
        if not build_requests.delete_all(conn, [server_id]):
            return False
        build_requests.delete_spec(conn, server_id)
        server_groups.remove_member(conn, server_id)
        mappings.queue_for_delete(conn, server_id)
    call.app.scheduler.release(call.ctxt, server_id)
    return True


def _forget_image(call: ApiCall, instance: Instance) -> None:
    """What a shelved server is kept in."""
    image_id = instance.system_metadata.get(SHELVED_IMAGE)
    if image_id is None:
        return
    try:
        call.app.images.delete(call.ctxt, image_id)
    except exception.MinicloudError as error:
        LOG.info("Image %s stays: %s [instance: %s]", image_id, error, instance.uuid)


def _delete_there(call: ApiCall, cell: Cell, instance: Instance, host: str) -> None:
    """The usual way: its host does it."""
    if instance.task_state != Task.DELETING:
        with cell.db.writer() as conn:
            try:
                instance = instances.update(conn, instance.uuid, now(), task_state=Task.DELETING, progress=0)
                instances.expect_within(conn, instance.uuid, HOST_BEGINS, now())
            except exception.InstanceNotFound:
                return
            actions.start(conn, call.ctxt, [instance.uuid], "delete", now())
    _queue(call, instance.uuid)
    assert cell.compute is not None
    # Again although it may be at it: the message may have been lost with the host.
    cell.compute.delete_instance(call.ctxt, host, instance)


def _delete_here(call: ApiCall, cell: Cell, instance: Instance) -> None:
    """There is no host, or it is down: forget the server now; a host that comes back cleans up."""
    with cell.db.writer() as conn:
        if instances.destroy(conn, instance.uuid, now()) is None:
            return
        actions.start(conn, call.ctxt, [instance.uuid], "delete", now())
        actions.finish_open(conn, instance.uuid, None, now())
    _queue(call, instance.uuid)
    if instance.network_info:
        given = [vif.port_id for vif in instance.network_info if not vif.created_by_compute]
        call.app.network.deallocate(call.ctxt, instance.uuid, given)
    call.app.scheduler.release(call.ctxt, instance.uuid)
    _tell_later(call, cell, instance)


def _tell_later(call: ApiCall, cell: Cell, instance: Instance) -> None:
    """A host that only seems to be down, or comes back without a restart, has the guest still."""
    if instance.host is None or cell.compute is None:
        return
    try:
        cell.compute.delete_instance(call.ctxt, instance.host, instance)
    except exception.ServiceUnavailable as error:
        LOG.warning("Host %s learns at its start: %s [instance: %s]", instance.host, error, instance.uuid)


def _queue(call: ApiCall, server_id: str) -> None:
    with call.app.api_db.writer() as conn:
        mappings.queue_for_delete(conn, server_id)
        server_groups.remove_member(conn, server_id)
